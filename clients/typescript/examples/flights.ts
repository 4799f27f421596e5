import { createApp, json, tumbling, utf8 } from "@outrigger/client";

/** The application of the demo: departures and their average delay, by airport and day. */

interface Flight {
  readonly delay: number;
}

interface Total {
  readonly count: number;
  readonly delaySum: number;
}

const app = createApp();

app
  .stream("flights", { key: utf8, value: json<Flight>() })
  .groupByKey()
  .windowedBy(tumbling("1d"))
  .aggregate(
    (): Total => ({ count: 0, delaySum: 0 }),
    (_origin, flight, total) => ({
      count: total.count + 1,
      delaySum: total.delaySum + flight.delay,
    }),
    { store: "departures-by-day", value: json<Total>() },
  )
  .map(({ key: airport, value: { count, delaySum } }) => ({
    key: `${airport.key} ${new Date(airport.window.start).toISOString().slice(0, 10)}`,
    value: { count, averageDelay: delaySum / count },
  }))
  .to("departures", { key: utf8, value: json() });

await app.run({ handleSignals: true });
