import { createApp, utf8 } from "@outrigger/client";

/** Every greeting in upper case. */

const app = createApp({ defaultKeySerde: utf8, defaultValueSerde: utf8 });

app
  .stream("greetings")
  .mapValues((greeting) => greeting.toUpperCase())
  .to("shouted-greetings");

await app.run({ handleSignals: true });
