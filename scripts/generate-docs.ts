import { mkdirSync, writeFileSync } from "node:fs";
import { configurationPage, configurationSchema } from "../src/config/pages.ts";
import { metricsPage } from "../src/telemetry/metrics-page.ts";

// Writes what is generated from the code. A test compares, so a forgotten run is found.
const root = new URL("../", import.meta.url);
mkdirSync(new URL("docs/", root), { recursive: true });
writeFileSync(new URL("docs/configuration.md", root), configurationPage());
writeFileSync(new URL("docs/metrics.md", root), metricsPage());
writeFileSync(new URL("config.schema.json", root), configurationSchema());
