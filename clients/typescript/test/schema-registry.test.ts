import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create } from "@bufbuild/protobuf";
import { avro } from "../src/avro.ts";
import { HeaderSchema, RowHeadersSchema } from "../src/gen/outrigger/v1/records_pb.ts";
import {
  jsonSchema,
  protobuf,
  type SchemaClient,
  type SchemaText,
  schemaSerde,
} from "../src/schema-registry.ts";
import { nullable, type Serde, utf8 } from "../src/serdes.ts";
import { FakeSidecar, outputsOf, source } from "./fake-sidecar.ts";

/** A registry in memory, as Confluent's: an id for each schema of a subject. */
class Registry implements SchemaClient {
  readonly schemas: SchemaText[] = [];
  asked = 0;

  async register(_subject: string, schema: SchemaText): Promise<number> {
    const known = this.schemas.findIndex((one) => one.schema === schema.schema);
    return 1 + (known < 0 ? this.schemas.push(schema) - 1 : known);
  }

  async getBySubjectAndId(subject: string, id: number): Promise<SchemaText> {
    this.asked += 1;
    const found = this.schemas[id - 1];
    if (found === undefined) throw new Error(`no schema ${id} in ${subject}`);
    return found;
  }
}

interface Order {
  readonly cents: number;
  readonly currency?: string;
}

const field = (name: string, type: string, more = ""): string =>
  `{"name":"${name}","type":"${type}"${more}}`;
const record = (...fields: string[]): string =>
  `{"type":"record","name":"Order","fields":[${fields.join(",")}]}`;
const OLD = record(field("cents", "long"));
const NEW = record(field("cents", "long"), field("currency", "string", ',"default":"EUR"'));

const orders = (client: SchemaClient, schema: string): Promise<Serde<Order>> =>
  schemaSerde({
    client,
    subject: "orders-value",
    schema,
    schemaType: "AVRO",
    codec: avro<Order>(schema),
  });

describe("a serde of a schema registry", () => {
  it("writes Avro behind the id of its schema, and reads it back at once", async () => {
    const client = new Registry();
    const serde = await orders(client, OLD);
    const written = serde.serialize({ cents: 7 });
    assert.equal(Buffer.from(written ?? []).toString("hex"), "00000000010e");
    assert.equal(serde.deserialize(written).cents, 7);
    assert.equal(client.asked, 0);
  });

  it("writes JSON, and refuses what the schema's check refuses", async () => {
    const serde = await schemaSerde<Order>({
      client: new Registry(),
      subject: "orders-value",
      schema: '{"type":"object"}',
      schemaType: "JSON",
      codec: jsonSchema(({ cents }) => assert.equal(typeof cents, "number", "cents")),
    });
    assert.deepEqual(serde.deserialize(serde.serialize({ cents: 7 })), { cents: 7 });
    assert.throws(() => serde.serialize({} as Order), /cents/);
  });

  it("writes Protobuf behind the message's place in its file", async () => {
    const options = {
      client: new Registry(),
      subject: "s",
      schema: "",
      schemaType: "PROTOBUF",
    } as const;
    const value = create(HeaderSchema, { key: "k" });
    const header = await schemaSerde({ ...options, codec: protobuf(HeaderSchema) });
    assert.deepEqual(header.deserialize(header.serialize(value)), value);
    const rows = await schemaSerde({ ...options, codec: protobuf(RowHeadersSchema) });
    const written = rows.serialize(create(RowHeadersSchema, { row: 5 }));
    assert.equal(rows.deserialize(written).row, 5);
    const places = [HeaderSchema, RowHeadersSchema].map(({ file, typeName }) =>
      file.messages.findIndex((message) => message.typeName === typeName),
    );
    const prefix = (place: number): string =>
      place === 0 ? "00" : `02${(place * 2).toString(16).padStart(2, "0")}`;
    const hex = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString("hex", 5);
    assert.equal(hex(header.serialize(value)), `${prefix(places[0] ?? 0)}0a016b`);
    assert.equal(hex(written), `${prefix(places[1] ?? 0)}0805`);
  });

  it("fetches the schema of the first record that was written by another, and begins it anew", async () => {
    const client = new Registry();
    const old = await orders(client, OLD);
    const sidecar = new FakeSidecar();
    let calls = 0;
    source(sidecar.builder, utf8, await orders(client, NEW))
      .mapValues(
        (order) => {
          calls += 1;
          return `${order.cents} ${order.currency}`;
        },
        { name: "p" },
      )
      .to("topic-out", { key: utf8, value: utf8 }, { name: "out" });
    sidecar.welcome({ entries: ["p"], sinks: ["out"] });
    const values = [7, 8, 9].map((cents) => old.serialize({ cents }) ?? new Uint8Array());
    const keys = values.map((_, row) => utf8.serialize(`k${row}`) ?? new Uint8Array());
    sidecar.batch({ segments: [{ keys, values }] });
    const result = await sidecar.result();
    assert.deepEqual(outputsOf(result), ["0: k0=7 EUR", "1: k1=8 EUR", "2: k2=9 EUR"]);
    assert.deepEqual([client.asked, calls], [1, 3]);
  });

  it("fails a record whose schema cannot be had, and asks again for the next", async () => {
    const client = new Registry();
    const serde = await orders(client, OLD);
    const sidecar = new FakeSidecar();
    source(sidecar.builder, utf8, serde)
      .mapValues(({ cents }) => String(cents), { name: "p" })
      .to("topic-out", { key: utf8, value: utf8 }, { name: "out" });
    sidecar.welcome({ entries: ["p"], sinks: ["out"] });
    const unknown = Uint8Array.of(0, 0, 0, 0, 9, 14);
    for (const dispatchId of [1n, 2n]) {
      sidecar.batch({ dispatchId, segments: [{ keys: [Uint8Array.of(107)], values: [unknown] }] });
      const { failure } = await sidecar.result(Number(dispatchId) - 1);
      assert.match(failure?.message ?? "", /schema 9 of orders-value cannot be had: no schema 9/);
    }
    assert.equal(client.asked, 2);
  });

  it("refuses null and what is in no registry's format", async () => {
    const serde = await orders(new Registry(), OLD);
    assert.throws(() => serde.deserialize(null), /nullable/);
    assert.equal(nullable(serde).deserialize(null), null);
    assert.throws(() => serde.deserialize(Uint8Array.of(1, 2, 3, 4, 5)), /no schema id/);
  });
});
