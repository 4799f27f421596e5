/** The stream of batches as gRPC's own server for Node serves it: frames as their bytes. */
export const METHOD = {
  path: "/outrigger.v1.ProcessorService/Process",
  requestStream: true,
  responseStream: true,
  requestSerialize: (bytes: Buffer) => bytes,
  requestDeserialize: (bytes: Buffer) => bytes,
  responseSerialize: (bytes: Buffer) => bytes,
  responseDeserialize: (bytes: Buffer) => bytes,
} as const;
