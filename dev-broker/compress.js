// Compresses the built broker and writes down the checksum of the plain file.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { brotliCompressSync, constants } from "node:zlib";

const [, , built] = process.argv;
if (built === undefined) {
  process.stderr.write("usage: node compress.js <kfake.wasm>\n");
  process.exit(2);
}
const plain = readFileSync(built);
const packed = brotliCompressSync(plain, {
  params: {
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_LGWIN]: 24,
    [constants.BROTLI_PARAM_SIZE_HINT]: plain.length,
  },
});
const at = (name) => new URL(name, import.meta.url);
writeFileSync(at("kfake.wasm.br"), packed);
writeFileSync(at("kfake.wasm.sha256"), `${createHash("sha256").update(plain).digest("hex")}\n`);
process.stdout.write(`${plain.length} bytes packed to ${packed.length}\n`);
