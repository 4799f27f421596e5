package io.outrigger;

import java.util.Objects;

/** The settings of an application; all have defaults. Made by {@link Outrigger#builder}. */
public final class OutriggerBuilder {
  String applicationId = "";
  String address;
  String token;
  Serde<?> defaultKeySerde = Serdes.ByteArray();
  Serde<?> defaultValueSerde = Serdes.ByteArray();

  OutriggerBuilder() {}

  /**
   * The application.id, checked against the sidecar's. Default: the sidecar's.
   *
   * @param id the application.id
   * @return this
   */
  public OutriggerBuilder applicationId(String id) {
    applicationId = Objects.requireNonNull(id, "applicationId");
    return this;
  }

  /**
   * The sidecar's address. Default: the environment variable {@code OUTRIGGER_ADDRESS}.
   *
   * @param sidecar {@code unix:/path} or {@code host:port}
   * @return this
   */
  public OutriggerBuilder address(String sidecar) {
    address = Objects.requireNonNull(sidecar, "address");
    return this;
  }

  /**
   * The sidecar's token, asked for over TCP. Default: the environment variable {@code OUTRIGGER_TOKEN}.
   *
   * @param secret the token
   * @return this
   */
  public OutriggerBuilder token(String secret) {
    token = Objects.requireNonNull(secret, "token");
    return this;
  }

  /**
   * The keys' serde of sources and sinks that name none. Default: bytes as they are.
   *
   * @param serde the serde
   * @return this
   */
  public OutriggerBuilder defaultKeySerde(Serde<?> serde) {
    defaultKeySerde = Objects.requireNonNull(serde, "defaultKeySerde");
    return this;
  }

  /**
   * The values' serde of sources and sinks that name none. Default: bytes as they are.
   *
   * @param serde the serde
   * @return this
   */
  public OutriggerBuilder defaultValueSerde(Serde<?> serde) {
    defaultValueSerde = Objects.requireNonNull(serde, "defaultValueSerde");
    return this;
  }

  /**
   * Makes the application. What it was made with does not change with this builder any more.
   *
   * @return the application
   */
  public Outrigger build() {
    OutriggerBuilder copy = new OutriggerBuilder();
    copy.applicationId = applicationId;
    copy.address = address == null ? System.getenv("OUTRIGGER_ADDRESS") : address;
    copy.token = token == null ? System.getenv("OUTRIGGER_TOKEN") : token;
    copy.defaultKeySerde = defaultKeySerde;
    copy.defaultValueSerde = defaultValueSerde;
    return new Outrigger(copy);
  }
}
