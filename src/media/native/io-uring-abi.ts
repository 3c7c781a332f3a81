// The kernel's io_uring interface (linux/io_uring.h) as numbers: operations, flags, and where fields lie. Indexes end in
// "Word" when they count 32-bit words, offsets in "At" when they count bytes.

// struct io_uring_params (120 bytes)
//   0 sq_entries  4 cq_entries  8 flags  12 sq_thread_cpu  16 sq_thread_idle  20 features  24 wq_fd  28 resv[3]
//   40 sq_off: head tail ring_mask ring_entries flags dropped array resv1 user_addr
//   80 cq_off: head tail ring_mask ring_entries overflow cqes flags resv1 user_addr
export const parametersBytes = 120;
export const parameters = {
  sqEntriesAt: 0,
  cqEntriesAt: 4,
  flagsAt: 8,
  featuresAt: 20,
  sqHeadAt: 40,
  sqTailAt: 44,
  sqArrayAt: 64,
  cqHeadAt: 80,
  cqTailAt: 84,
  cqEntriesArrayAt: 100,
} as const;

export const SETUP_CQSIZE = 1 << 3;
export const SETUP_SUBMIT_ALL = 1 << 7;
export const SETUP_SINGLE_ISSUER = 1 << 12;
export const SETUP_DEFER_TASKRUN = 1 << 13;
export const SETUP_NO_SQARRAY = 1 << 16;

export const FEATURE_SINGLE_MMAP = 1 << 0;
export const FEATURE_NODROP = 1 << 1;
export const FEATURE_EXT_ARG = 1 << 8;

export const MMAP_OFFSET_RINGS = 0;
export const MMAP_OFFSET_SQES = 0x1000_0000;

export const ENTER_GETEVENTS = 1 << 0;
export const ENTER_EXT_ARG = 1 << 3;

export const UNREGISTER_FILES = 3;
export const REGISTER_FILES_UPDATE = 6;
export const REGISTER_FILES2 = 13;
export const REGISTER_PBUF_RING = 22;
export const REGISTER_SYNC_CANCEL = 24;
export const RSRC_REGISTER_SPARSE = 1 << 0;

// struct io_uring_sqe (64 bytes, 16 words)
//   0 opcode u8, flags u8, ioprio u16 | 1 fd | 2,3 off / addr2 | 4,5 addr | 6 len | 7 msg_flags / poll_events / cancel_flags
//   8,9 user_data | 10 buf_group u16, personality u16 | 11 addr_len u16 / file_index | 12,13 addr3 | 14,15 reserved
export const sqeBytes = 64;
export const sqeWords = 16;

export const OP_POLL_ADD = 6;
export const OP_RECVMSG = 10;
export const OP_ASYNC_CANCEL = 14;
export const OP_SEND = 26;
export const OP_RECV = 27;

export const SQE_FIXED_FILE = 1 << 0;
export const SQE_BUFFER_SELECT = 1 << 5;
export const SQE_CQE_SKIP_SUCCESS = 1 << 6;

/** In ioprio of RECV and RECVMSG. */
export const RECV_MULTISHOT = 1 << 1;
/** In len of POLL_ADD. */
export const POLL_ADD_MULTI = 1 << 0;
export const POLLIN = 1;

// struct io_uring_cqe (16 bytes, 4 words):  0,1 user_data | 2 res | 3 flags, the buffer's number in the upper half
export const cqeBytes = 16;
export const CQE_BUFFER = 1 << 0;
export const CQE_MORE = 1 << 1;
export const CQE_BUFFER_SHIFT = 16;

// struct io_uring_buf (16 bytes):  0 addr u64 | 8 len u32 | 12 bid u16 | 14 resv u16, of entry 0 the ring's tail
export const bufferEntryBytes = 16;
export const bufferTailAt = 14;

// struct io_uring_buf_reg (40 bytes):  0 ring_addr u64 | 8 ring_entries u32 | 12 bgid u16 | 14 flags u16 | 16 resv
export const bufferRegistrationBytes = 40;

// struct io_uring_rsrc_register (32 bytes):  0 nr u32 | 4 flags u32 | 8 resv2 u64 | 16 data u64 | 24 tags u64
export const resourceRegistrationBytes = 32;

// struct io_uring_files_update (16 bytes):  0 offset u32 | 4 resv u32 | 8 fds u64
export const filesUpdateBytes = 16;

// struct io_uring_sync_cancel_reg (64 bytes):  0 addr u64 | 8 fd s32 | 12 flags u32 | 16 timeout { sec s64, nsec s64 } | 32 pad
export const syncCancelBytes = 64;
export const CANCEL_ALL = 1 << 0;
export const CANCEL_ANY = 1 << 2;

// struct io_uring_getevents_arg (24 bytes):  0 sigmask u64 | 8 sigmask_sz u32 | 12 min_wait_usec u32 | 16 ts u64
// followed here by its struct __kernel_timespec (16 bytes):  0 tv_sec i64 | 8 tv_nsec i64
export const waitArgumentBytes = 24;
export const timespecBytes = 16;

// struct io_uring_recvmsg_out, at the start of a buffer that multishot RECVMSG filled, then name, control and payload:
//   0 namelen u32 | 4 controllen u32 | 8 payloadlen u32 | 12 flags u32 | 16 name[msg_namelen] | payload
export const receivedHeaderBytes = 16;
export const receivedFlagsWord = 3;

// struct msghdr (56 bytes):  0 name u64 | 8 namelen u32 | 16 iov u64 | 24 iovlen u64 | 32 control u64 | 40 controllen u64 | 48 flags
export const messageHeaderBytes = 56;
export const messageNameLengthAt = 8;
