import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** A process that opens a state directory, does what the script says, and holds it until it is killed. */
export async function holdDirectory(path: string, script = ""): Promise<ChildProcess> {
  const source = `
    import { openStateDirectory } from "./src/stores/directory.ts";
    import { STORES } from "./test/contract/store.contract.ts";
    const directory = await openStateDirectory(${JSON.stringify(path)}, {
      processId: null, memoryBytesMax: 67108864, onCorrupted: () => {} });
    ${script}
    process.stdout.write("ready\\n");
    setInterval(() => {}, 1000);
  `;
  const flags = ["--import", "tsx", "--input-type=module", "-e", source];
  const child = spawn(process.execPath, flags, { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  return child;
}
