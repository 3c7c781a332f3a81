// What a listener is made of, once configuration has been read and files have been loaded.
import type { Authorities } from '../../core/authorities.ts';
import type { SocketAddress } from '../../core/socket-address.ts';
import type { TransportName } from './transport.ts';

export interface ListenerOptions {
  readonly name: string;
  readonly network: string;
  readonly transport: TransportName;
  /** Where it binds; port 0 takes any. */
  readonly address: SocketAddress;
  /** What Via and Contact show; host without brackets. Absent: the bound address. */
  readonly advertise?: SocketAddress | undefined;
  /** Other processes of this machine listen there too (SO_REUSEPORT): the kernel gives each connection and source to one of them. */
  readonly isShared?: boolean | undefined;
  /** Present exactly when the transport is TLS. */
  readonly tls?: TlsOptions | undefined;
}

export interface NamedCertificate {
  /** Both PEM. */
  readonly certificate: string;
  readonly key: string;
  /** Host names; absent: the DNS names of the certificate. */
  readonly names?: readonly string[] | undefined;
}

export interface TlsOptions {
  /** PEM chain and key; shown to phones, and to next hops that ask. */
  readonly certificate: string;
  readonly key: string;
  /** More of them, for peers that ask for their names. */
  readonly others?: readonly NamedCertificate[] | undefined;
  /** For client certificates. */
  readonly clientCa?: Authorities | undefined;
  readonly clientCertificate: 'off' | 'optional' | 'required';
  /** For next hops; absent: those that Node trusts. */
  readonly serverCa?: Authorities | undefined;
}
