// Numbers of the Linux ABI (x86-64 and arm64, little-endian) that the drivers use. Structures are laid out by hand,
// because koffi needs ten times as long to build one from an object.

export const AF_UNSPEC = 0;
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;

export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;

export const SOL_IP = 0;
export const IP_TOS = 1;
export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_TYPE = 3;
export const SO_RCVBUF = 8;
export const SO_ACCEPTCONN = 30;
export const SO_MEMINFO = 55;
export const SCM_RIGHTS = 1;
export const SOL_IPV6 = 41;
export const IPV6_V6ONLY = 26;
export const IPV6_TCLASS = 67;

export const MSG_CTRUNC = 0x08;
export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;
export const MSG_CMSG_CLOEXEC = 0x4000_0000;

export const F_DUPFD_CLOEXEC = 1030;

export const EFD_NONBLOCK = 0o4000;
export const EFD_CLOEXEC = 0o2000000;

export const PROT_NONE = 0;
export const PROT_READ_WRITE = 3;
export const MAP_SHARED = 1;
export const MADV_DONTNEED = 4;
export const MADV_HUGEPAGE = 14;
export const MAP_SHARED_POPULATE = 0x8001;
export const MAP_PRIVATE_ANONYMOUS_NORESERVE = 0x4022;
/** Where a kernel does not know it (before 4.17) the address is a wish. */
export const MAP_FIXED_NOREPLACE = 0x10_0000;

export const RLIMIT_NOFILE = 7;

export const EPERM = 1;
export const EINTR = 4;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const EACCES = 13;
export const EBUSY = 16;
export const EINVAL = 22;
export const ENFILE = 23;
export const EMFILE = 24;
export const ENOSYS = 38;
export const ETIME = 62;
export const EADDRINUSE = 98;
export const EADDRNOTAVAIL = 99;
export const ENOBUFS = 105;
export const ECONNREFUSED = 111;
export const EALREADY = 114;
export const ECANCELED = 125;

/** The symbolic name of an errno that is expected here, else its number. */
export function errnoName(errno: number): string {
  return errnoNames.get(errno) ?? `errno ${errno}`;
}

const errnoNames = new Map([
  [EPERM, 'EPERM'],
  [EINTR, 'EINTR'],
  [EAGAIN, 'EAGAIN'],
  [ENOMEM, 'ENOMEM'],
  [EACCES, 'EACCES'],
  [EBUSY, 'EBUSY'],
  [EINVAL, 'EINVAL'],
  [ENFILE, 'ENFILE'],
  [EMFILE, 'EMFILE'],
  [ENOSYS, 'ENOSYS'],
  [ETIME, 'ETIME'],
  [EADDRINUSE, 'EADDRINUSE'],
  [EADDRNOTAVAIL, 'EADDRNOTAVAIL'],
  [ENOBUFS, 'ENOBUFS'],
  [ECONNREFUSED, 'ECONNREFUSED'],
  [EALREADY, 'EALREADY'],
  [ECANCELED, 'ECANCELED'],
]);
