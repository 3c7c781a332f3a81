// The floor of the relay benchmark: what a plain C program on epoll needs for the same work. One thread, a connected socket for each
// leg, one recv and one send a packet. Modes: plain (forward only), cm (AES_CM_128_HMAC_SHA1_80) and gcm (AEAD_AES_128_GCM) towards
// the phone, RTP towards the PBX, with libcrypto's EVP. It knows nothing of latching, statistics, RTCP, limits or several sources.
//   floor MODE CALLS OUTSIDE INSIDE PHONE_ADDRESS PHONE_PORT PBX_ADDRESS PBX_PORT KEY AUTH_KEY SALT    (session keys in hex)
#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum mode { PLAIN, CM, GCM };
enum { FIRST_OUTSIDE = 20000, FIRST_INSIDE = 30000, CM_TAG = 10, GCM_TAG = 16, AUTH_KEY = 20, SALT = 14, WINDOW = 64 };

struct direction {
  EVP_CIPHER_CTX *cipher;
  HMAC_CTX *hmac;
  int64_t highest; // index of the newest packet, -1 before the first
  uint64_t seen;   // bit n: highest - n was received
};

struct leg {
  int fd;
  int other;
  int is_secured;
  struct direction in, out;
};

static enum mode mode;
static uint8_t key[16], auth_key[AUTH_KEY], salt[SALT];

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void unhex(const char *text, uint8_t *into, size_t length) {
  for (size_t i = 0; i < length; i++) {
    unsigned byte;
    if (sscanf(text + 2 * i, "%2x", &byte) != 1) fail("hex");
    into[i] = (uint8_t)byte;
  }
}

static struct sockaddr_in at(const char *address, int port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  if (inet_pton(AF_INET, address, &to.sin_addr) != 1) fail(address);
  return to;
}

static int connected(const char *from, int port, const char *to, int to_port) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), bytes = 262144;
  struct sockaddr_in local = at(from, port), remote = at(to, to_port);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  if (fd < 0 || bind(fd, (struct sockaddr *)&local, sizeof local) != 0) fail("bind");
  if (connect(fd, (struct sockaddr *)&remote, sizeof remote) != 0) fail("connect");
  return fd;
}

static void begin(struct direction *d, int encrypts) {
  d->highest = -1;
  d->cipher = EVP_CIPHER_CTX_new();
  if (!EVP_CipherInit_ex(d->cipher, mode == CM ? EVP_aes_128_ctr() : EVP_aes_128_gcm(), NULL, key, NULL, encrypts)) exit(1);
  if (mode != CM) return;
  d->hmac = HMAC_CTX_new();
  if (!HMAC_Init_ex(d->hmac, auth_key, AUTH_KEY, EVP_sha1(), NULL)) exit(1);
}

// RFC 3711 §3.3.1: the index nearest to the newest one.
static int64_t index_of(const struct direction *d, const uint8_t *packet) {
  int64_t sequence = packet[2] << 8 | packet[3];
  if (d->highest < 0) return sequence;
  return d->highest + (int16_t)(sequence - (d->highest & 0xffff));
}

static int is_replayed(const struct direction *d, int64_t index) {
  if (index > d->highest) return 0;
  int64_t behind = d->highest - index;
  return index < 0 || behind >= WINDOW || (d->seen >> behind & 1);
}

static void accept_index(struct direction *d, int64_t index) {
  if (index > d->highest) {
    int64_t ahead = index - d->highest;
    d->seen = ahead >= WINDOW ? 1 : d->seen << ahead | 1;
    d->highest = index;
  } else {
    d->seen |= 1ull << (d->highest - index);
  }
}

static int header_length(const uint8_t *packet, int length) {
  if (length < 12 || packet[0] >> 6 != 2) return -1;
  int header = 12 + 4 * (packet[0] & 15);
  if (packet[0] & 16) {
    if (length < header + 4) return -1;
    header += 4 + 4 * (packet[header + 2] << 8 | packet[header + 3]);
  }
  return header <= length ? header : -1;
}

static void counter_iv(const uint8_t *packet, int64_t index, uint8_t iv[16]) {
  memcpy(iv, salt, SALT);
  iv[14] = iv[15] = 0;
  for (int i = 0; i < 4; i++) iv[4 + i] ^= packet[8 + i];
  for (int i = 0; i < 6; i++) iv[8 + i] ^= (uint8_t)(index >> (40 - 8 * i));
}

static void gcm_iv(const uint8_t *packet, int64_t index, uint8_t iv[12]) {
  memcpy(iv, salt, 12);
  for (int i = 0; i < 4; i++) iv[2 + i] ^= packet[8 + i];
  for (int i = 0; i < 6; i++) iv[6 + i] ^= (uint8_t)(index >> (40 - 8 * i));
}

static void tag_of(struct direction *d, const uint8_t *packet, int length, int64_t index, uint8_t *tag) {
  uint32_t roll_over = htonl((uint32_t)(index >> 16));
  HMAC_Init_ex(d->hmac, NULL, 0, NULL, NULL);
  HMAC_Update(d->hmac, packet, (size_t)length);
  HMAC_Update(d->hmac, (uint8_t *)&roll_over, 4);
  HMAC_Final(d->hmac, tag, NULL);
}

static int unprotect(struct direction *d, uint8_t *packet, int length) {
  int size, tag_bytes = mode == CM ? CM_TAG : GCM_TAG, header = header_length(packet, length - tag_bytes);
  if (header < 0) return -1;
  int body = length - tag_bytes - header;
  int64_t index = index_of(d, packet);
  uint8_t iv[16], tag[EVP_MAX_MD_SIZE];
  if (is_replayed(d, index)) return -1;
  if (mode == CM) {
    tag_of(d, packet, header + body, index, tag);
    if (CRYPTO_memcmp(tag, packet + header + body, CM_TAG) != 0) return -1;
    counter_iv(packet, index, iv);
    EVP_CipherInit_ex(d->cipher, NULL, NULL, NULL, iv, 0);
    EVP_CipherUpdate(d->cipher, packet + header, &size, packet + header, body);
  } else {
    gcm_iv(packet, index, iv);
    EVP_CipherInit_ex(d->cipher, NULL, NULL, NULL, iv, 0);
    EVP_CIPHER_CTX_ctrl(d->cipher, EVP_CTRL_AEAD_SET_TAG, GCM_TAG, packet + header + body);
    EVP_CipherUpdate(d->cipher, NULL, &size, packet, header);
    EVP_CipherUpdate(d->cipher, packet + header, &size, packet + header, body);
    if (EVP_CipherFinal_ex(d->cipher, tag, &size) <= 0) return -1;
  }
  accept_index(d, index);
  return header + body;
}

static int protect(struct direction *d, uint8_t *packet, int length) {
  int size, header = header_length(packet, length);
  if (header < 0) return -1;
  int64_t index = index_of(d, packet);
  uint8_t iv[16], tag[EVP_MAX_MD_SIZE];
  if (is_replayed(d, index)) return -1;
  accept_index(d, index);
  if (mode == CM) {
    counter_iv(packet, index, iv);
    EVP_CipherInit_ex(d->cipher, NULL, NULL, NULL, iv, 1);
    EVP_CipherUpdate(d->cipher, packet + header, &size, packet + header, length - header);
    tag_of(d, packet, length, index, tag);
    memcpy(packet + length, tag, CM_TAG);
    return length + CM_TAG;
  }
  gcm_iv(packet, index, iv);
  EVP_CipherInit_ex(d->cipher, NULL, NULL, NULL, iv, 1);
  EVP_CipherUpdate(d->cipher, NULL, &size, packet, header);
  EVP_CipherUpdate(d->cipher, packet + header, &size, packet + header, length - header);
  EVP_CipherFinal_ex(d->cipher, tag, &size);
  EVP_CIPHER_CTX_ctrl(d->cipher, EVP_CTRL_AEAD_GET_TAG, GCM_TAG, packet + length);
  return length + GCM_TAG;
}

int main(int argc, char **argv) {
  if (argc != 12) return 2;
  mode = strcmp(argv[1], "plain") == 0 ? PLAIN : strcmp(argv[1], "cm") == 0 ? CM : GCM;
  int calls = atoi(argv[2]), poll = epoll_create1(0);
  if (mode != PLAIN) {
    unhex(argv[9], key, sizeof key);
    unhex(argv[10], auth_key, sizeof auth_key);
    unhex(argv[11], salt, mode == CM ? SALT : 12);
  }
  struct leg *legs = calloc((size_t)calls * 2, sizeof *legs);
  for (int i = 0; i < calls * 2; i++) {
    int is_phone = i % 2 == 0, place = i / 2 * 2;
    legs[i].fd = is_phone ? connected(argv[3], FIRST_OUTSIDE + place, argv[5], atoi(argv[6]))
                          : connected(argv[4], FIRST_INSIDE + place, argv[7], atoi(argv[8]));
    legs[i].other = i ^ 1;
    legs[i].is_secured = is_phone && mode != PLAIN;
    if (legs[i].is_secured) {
      begin(&legs[i].in, 0);
      begin(&legs[i].out, 1);
    }
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
    if (epoll_ctl(poll, EPOLL_CTL_ADD, legs[i].fd, &event) != 0) fail("epoll_ctl");
  }
  puts("ready");
  fflush(stdout);
  struct epoll_event events[256];
  uint8_t packet[2048];
  for (;;) {
    int count = epoll_wait(poll, events, 256, -1);
    for (int i = 0; i < count; i++) {
      struct leg *from = &legs[events[i].data.u32], *to = &legs[from->other];
      int length = (int)recv(from->fd, packet, sizeof packet - GCM_TAG, 0);
      if (length <= 0) continue;
      length = from->is_secured ? unprotect(&from->in, packet, length) : header_length(packet, length) < 0 ? -1 : length;
      if (length >= 0 && to->is_secured) length = protect(&to->out, packet, length);
      if (length >= 0) send(to->fd, packet, (size_t)length, 0);
    }
  }
}
