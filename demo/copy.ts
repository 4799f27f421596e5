import { bytes, createApp } from "@outrigger/client";

/** The stateless application of `npm run demo -- --copy`: every flight, as it came. */

const app = createApp();

app
  .stream("flights", { key: bytes, value: bytes })
  .process((record, ctx) => {
    ctx.forward({ key: record.key, value: record.value });
  })
  .to("flights-copy", { key: bytes, value: bytes });

await app.run({ handleSignals: true });
