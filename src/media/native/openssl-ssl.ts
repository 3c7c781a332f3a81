// The functions of libssl that the Node binary itself exports, as DTLS needs them. Nothing here calls back into JavaScript.
import koffi from 'koffi';
import { messageOf } from '../../core/errors.ts';
import { err, ok, type Result } from '../../core/result.ts';

/** Addresses are numbers, 0 stands for NULL; functions that return `int` return 1 for success unless it is said otherwise. */
export interface OpensslSsl {
  readonly contextNew: (method: number) => number;
  readonly contextFree: (context: number) => void;
  readonly dtlsMethod: () => number;
  readonly contextControl: (context: number, command: number, argument: number, pointer: number) => number;
  readonly contextSetOptions: (context: number, options: number) => number;
  readonly contextSetVerify: (context: number, mode: number, callback: number) => void;
  readonly contextSetCipherList: (context: number, names: number) => number;
  readonly contextUseCertificate: (context: number, sizeBytes: number, der: number) => number;
  readonly contextUsePrivateKey: (type: number, context: number, der: number, sizeBytes: number) => number;
  /** 0 on success. */
  readonly contextSetSrtpProfiles: (context: number, names: number) => number;
  readonly contextSetCookieVerifier: (context: number, callback: number) => void;
  readonly contextEnableDane: (context: number) => number;
  readonly contextSetDaneHash: (context: number, hash: number, type: number, order: number) => number;
  readonly sha384: () => number;
  readonly sslNew: (context: number) => number;
  readonly sslFree: (ssl: number) => void;
  readonly sslSetBio: (ssl: number, reading: number, writing: number) => void;
  readonly sslSetAcceptState: (ssl: number) => void;
  readonly sslSetConnectState: (ssl: number) => void;
  readonly sslControl: (ssl: number, command: number, argument: number, pointer: number) => number;
  readonly sslEnableDane: (ssl: number, domain: number) => number;
  readonly sslSetDaneFlags: (ssl: number, flags: number) => number;
  readonly sslAddTlsa: (
    ssl: number,
    usage: number,
    selector: number,
    type: number,
    data: number,
    sizeBytes: number,
  ) => number;
  /** 1 when a ClientHello with a good cookie was read. */
  readonly sslListen: (ssl: number, address: number) => number;
  readonly sslHandshake: (ssl: number) => number;
  readonly sslRead: (ssl: number, buffer: number, sizeBytes: number) => number;
  readonly sslShutdown: (ssl: number) => number;
  readonly sslError: (ssl: number, result: number) => number;
  readonly sslPeerCertificate: (ssl: number) => number;
  readonly sslProfiles: (ssl: number) => number;
  readonly sslSelectedProfile: (ssl: number) => number;
  readonly sslExport: (
    ssl: number,
    output: number,
    sizeBytes: number,
    label: number,
    labelBytes: number,
    context: number,
    contextBytes: number,
    useContext: number,
  ) => number;
  readonly stackValue: (stack: number, index: number) => number;
  readonly encodeCertificate: (certificate: number, output: number) => number;
  readonly memoryBio: () => number;
  readonly bioNew: (method: number) => number;
  readonly bioFree: (bio: number) => number;
  readonly bioWrite: (bio: number, data: number, sizeBytes: number) => number;
  readonly bioRead: (bio: number, buffer: number, sizeBytes: number) => number;
  readonly bioAddressNew: () => number;
  readonly clearErrors: () => void;
  readonly nextError: () => number;
  readonly errorText: (code: number, buffer: number, sizeBytes: number) => void;
  /**
   * The address of `SSL_is_dtls`, which returns 1 for every connection that is made here. As the verifier of cookies it says
   * "good" without a way back into JavaScript; the cookie itself was checked before the connection was made.
   */
  readonly yesOfDtls: number;
}

/** The symbols of this process; an explanation when one is missing. */
export function loadOpensslSsl(): Result<OpensslSsl, string> {
  try {
    const library = koffi.load(null);
    const bind = (name: string, result: string, ...parameters: string[]) => library.func(name, result, parameters);
    const yes: unknown = library.symbol('SSL_is_dtls');
    if (typeof yes !== 'bigint') return err('the address of a function is no number');
    return ok({
      contextNew: bind('SSL_CTX_new', pointer, pointer),
      contextFree: bind('SSL_CTX_free', 'void', pointer),
      dtlsMethod: bind('DTLS_method', pointer),
      contextControl: bind('SSL_CTX_ctrl', pointer, pointer, 'int', pointer, pointer),
      contextSetOptions: bind('SSL_CTX_set_options', pointer, pointer, pointer),
      contextSetVerify: bind('SSL_CTX_set_verify', 'void', pointer, 'int', pointer),
      contextSetCipherList: bind('SSL_CTX_set_cipher_list', 'int', pointer, pointer),
      contextUseCertificate: bind('SSL_CTX_use_certificate_ASN1', 'int', pointer, 'int', pointer),
      contextUsePrivateKey: bind('SSL_CTX_use_PrivateKey_ASN1', 'int', 'int', pointer, pointer, pointer),
      contextSetSrtpProfiles: bind('SSL_CTX_set_tlsext_use_srtp', 'int', pointer, pointer),
      contextSetCookieVerifier: bind('SSL_CTX_set_cookie_verify_cb', 'void', pointer, pointer),
      contextEnableDane: bind('SSL_CTX_dane_enable', 'int', pointer),
      contextSetDaneHash: bind('SSL_CTX_dane_mtype_set', 'int', pointer, pointer, 'uint8', 'uint8'),
      sha384: bind('EVP_sha384', pointer),
      sslNew: bind('SSL_new', pointer, pointer),
      sslFree: bind('SSL_free', 'void', pointer),
      sslSetBio: bind('SSL_set_bio', 'void', pointer, pointer, pointer),
      sslSetAcceptState: bind('SSL_set_accept_state', 'void', pointer),
      sslSetConnectState: bind('SSL_set_connect_state', 'void', pointer),
      sslControl: bind('SSL_ctrl', pointer, pointer, 'int', pointer, pointer),
      sslEnableDane: bind('SSL_dane_enable', 'int', pointer, pointer),
      sslSetDaneFlags: bind('SSL_dane_set_flags', pointer, pointer, pointer),
      sslAddTlsa: bind('SSL_dane_tlsa_add', 'int', pointer, 'uint8', 'uint8', 'uint8', pointer, pointer),
      sslListen: bind('DTLSv1_listen', 'int', pointer, pointer),
      sslHandshake: bind('SSL_do_handshake', 'int', pointer),
      sslRead: bind('SSL_read', 'int', pointer, pointer, 'int'),
      sslShutdown: bind('SSL_shutdown', 'int', pointer),
      sslError: bind('SSL_get_error', 'int', pointer, 'int'),
      sslPeerCertificate: bind('SSL_get0_peer_certificate', pointer, pointer),
      sslProfiles: bind('SSL_get_srtp_profiles', pointer, pointer),
      sslSelectedProfile: bind('SSL_get_selected_srtp_profile', pointer, pointer),
      sslExport: bind(
        'SSL_export_keying_material',
        'int',
        ...[pointer, pointer, pointer, pointer, pointer, pointer, pointer],
        'int',
      ),
      stackValue: bind('OPENSSL_sk_value', pointer, pointer, 'int'),
      encodeCertificate: bind('i2d_X509', 'int', pointer, pointer),
      memoryBio: bind('BIO_s_mem', pointer),
      bioNew: bind('BIO_new', pointer, pointer),
      bioFree: bind('BIO_free', 'int', pointer),
      bioWrite: bind('BIO_write', 'int', pointer, pointer, 'int'),
      bioRead: bind('BIO_read', 'int', pointer, pointer, 'int'),
      bioAddressNew: bind('BIO_ADDR_new', pointer),
      clearErrors: bind('ERR_clear_error', 'void'),
      nextError: bind('ERR_get_error', pointer),
      errorText: bind('ERR_error_string_n', 'void', pointer, pointer, pointer),
      yesOfDtls: Number(yes),
    });
  } catch (thrown) {
    return err(`DTLS is not exported by this Node: ${messageOf(thrown)}`);
  }
}

/** `size_t`, `long` and pointers alike: the systems that native code runs on have 64 bits. */
const pointer = 'int64';
