import { createHash } from "node:crypto";
import { chmodSync, lstatSync, mkdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { OutriggerError } from "../errors/outrigger-error.ts";

/** Where the server listens. */
export type ListenAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

export interface AddressOptions {
  /** `unix:/path/of.sock` or `127.0.0.1:9400`; port 0 takes any. Default: a socket in `directory`. */
  readonly address?: string | null;
  /** Where the default socket lies; created when missing. Default: the temporary folder. */
  readonly directory?: string;
  /** What applications must send over TCP. */
  readonly token?: string | null;
}

/** Systems limit a socket's path to 104 or 108 bytes, and cut what is longer without a word. */
const SOCKET_PATH_BYTES_MAX = 100;
const SOCKET_NAME = "outrigger.sock";
/** Owner and group: an application may run as another user of the same group. */
const SOCKET_MODE = 0o660;
const LOOPBACK = ["127.0.0.1", "localhost", "[::1]"];

/** Decides where to listen. Throws CONFIG_INVALID. */
export function listenAddress(options: AddressOptions): ListenAddress {
  const { address } = options;
  if (address === undefined || address === null) return defaultAddress(options);
  if (address.startsWith("unix:")) return unixAddress(address.slice("unix:".length));
  return tcpAddress(address, options.token);
}

function defaultAddress({ directory, token }: AddressOptions): ListenAddress {
  if (process.platform === "win32") return tcpAddress("127.0.0.1:0", token);
  return unixAddress(join(directory ?? join(tmpdir(), "outrigger"), SOCKET_NAME));
}

function unixAddress(path: string): ListenAddress {
  if (process.platform === "win32") {
    throw configInvalid(
      `unix:${path} cannot be used on Windows: use 127.0.0.1:<port> and server.token`,
    );
  }
  const plain = path.replace(/^\/\//, "");
  if (Buffer.byteLength(plain) <= SOCKET_PATH_BYTES_MAX) return { kind: "unix", path: plain };
  // Named after the path that was too long, so that a restart listens at the same place.
  const name = createHash("sha256").update(plain).digest("hex").slice(0, 16);
  return { kind: "unix", path: join(tmpdir(), `outrigger-${name}`, SOCKET_NAME) };
}

function tcpAddress(address: string, token: string | null | undefined): ListenAddress {
  const parts = /^(?<host>.+):(?<port>\d+)$/.exec(address);
  const host = parts?.groups?.["host"] ?? "";
  const port = Number(parts?.groups?.["port"]);
  if (!LOOPBACK.includes(host) || port > 65_535) {
    throw configInvalid(
      `the application's address ${address} is neither unix:<path> nor a loopback address with a ` +
        "port (127.0.0.1:9400): records would cross the network unencrypted",
    );
  }
  if (token === undefined || token === null || token === "") {
    throw configInvalid(
      `the application's address ${address} needs a token, because every user of this machine can ` +
        "connect to it: set server.token, or use a Unix domain socket",
    );
  }
  return { kind: "tcp", host, port };
}

/** Makes room for the socket: its folder, and no file that a dead sidecar left. */
export async function prepareSocket(path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
  refuseForeignFolder(dirname(path));
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw configInvalid(`${path} is no socket and is left alone: remove it, or listen elsewhere`);
  }
  if (await isListening(path)) {
    throw configInvalid(`another process listens at ${path}: stop it, or listen elsewhere`);
  }
  rmSync(path, { force: true });
}

/** Anybody can make a folder in the temporary one, and would then own our socket. */
function refuseForeignFolder(folder: string): void {
  if (dirname(folder) !== tmpdir()) return;
  const found = lstatSync(folder);
  const uid = process.getuid?.() ?? found.uid;
  if (found.isDirectory() && found.uid === uid) return;
  throw configInvalid(`${folder} belongs to another user: set the application's address`);
}

function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

export function protectSocket(path: string): void {
  chmodSync(path, SOCKET_MODE);
}

function configInvalid(message: string): OutriggerError {
  return new OutriggerError("CONFIG_INVALID", message);
}
