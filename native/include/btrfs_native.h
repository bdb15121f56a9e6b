/* SPDX-License-Identifier: MIT */
/*
 * The whole border between the engine and its native library.
 *
 * Rules of the border: fixed-width integers, opaque handles, buffers that belong to the caller. A result >= 0 is fine,
 * a result < 0 is -errno. No callbacks, no policy, no state per thread. Every function may be called from any thread; a handle
 * (file descriptors apart) by one thread at a time.
 *
 * interop/Btrfs.Interop/Generated holds the bindings of this file. The ABI tests compare the two in both directions.
 */
#ifndef BTRFS_NATIVE_H
#define BTRFS_NATIVE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BTRN_EXPORT __attribute__((visibility("default")))

/* The first eight bytes of the SHA-256 of this very file, taken at build time by both sides: nothing to bump by hand. */
BTRN_EXPORT uint64_t btrn_abi_fingerprint(void);

/* ---- checksums ---- */

/* One way to compute a crc32c. The library chooses AUTO by cpuid, once, when it is loaded. */
typedef enum btrn_crc32c_path {
	BTRN_CRC32C_AUTO = 0,
	BTRN_CRC32C_PORTABLE = 1,
	BTRN_CRC32C_SSE42 = 2,
	BTRN_CRC32C_AVX512 = 3,
} btrn_crc32c_path;

/* The crc register after `length` more bytes. No inversion on the way in or out: that is the caller's convention. */
BTRN_EXPORT uint32_t btrn_crc32c(uint32_t state, const uint8_t *data, uint64_t length);

/* The same on a named path, for the differential test. -ENOTSUP when the CPU can't. */
BTRN_EXPORT int32_t btrn_crc32c_on_path(btrn_crc32c_path path, uint32_t state, const uint8_t *data, uint64_t length, uint32_t *result);

/*
 * crc(A || B) out of crc(A), crc(B) and the length of B. Holds for finished checksums (both inverted in and out) and for raw
 * registers where B's was started at zero. The last length is remembered: repeated equal lengths cost a few nanoseconds.
 */
BTRN_EXPORT uint32_t btrn_crc32c_combine(uint32_t crc_a, uint32_t crc_b, uint64_t length_b);

/*
 * Checksums of consecutive sectors of `sector_size` bytes each: `count` of them start at `data`. crc32c results are finished
 * (inverted) as btrfs stores them, xxhash64 has the seed 0, sha256 and blake2b write 32 bytes for each sector.
 */
BTRN_EXPORT void btrn_crc32c_sectors(const uint8_t *data, uint32_t sector_size, uint64_t count, uint32_t *results);
BTRN_EXPORT void btrn_xxhash64_sectors(const uint8_t *data, uint64_t sector_size, uint64_t count, uint64_t *results);
BTRN_EXPORT void btrn_sha256_sectors(const uint8_t *data, uint64_t sector_size, uint64_t count, uint8_t *results);
BTRN_EXPORT void btrn_blake2b256_sectors(const uint8_t *data, uint64_t sector_size, uint64_t count, uint8_t *results);

/* sha256 without the SHA instructions, for the differential test on machines that have them. */
BTRN_EXPORT void btrn_sha256_portable(const uint8_t *data, uint64_t length, uint8_t *result);

/* ---- files and block devices ---- */

typedef enum btrn_open_flags {
	BTRN_OPEN_READ = 0,
	BTRN_OPEN_WRITE = 1,
	/* Past the page cache. Buffers, offsets and lengths must then be aligned to the device's logical block. */
	BTRN_OPEN_DIRECT = 2,
	/* No other opening with this flag at the same time, by any program; -EBUSY or -EAGAIN where there is one. Only with WRITE. */
	BTRN_OPEN_EXCLUSIVE = 4,
} btrn_open_flags;

typedef enum btrn_file_kind {
	BTRN_FILE_REGULAR = 1,
	BTRN_FILE_BLOCK_DEVICE = 2,
} btrn_file_kind;

typedef struct btrn_file_info {
	uint64_t size_bytes;
	btrn_file_kind kind;
	/* The granularity that O_DIRECT asks for: the device's logical block, 4096 for a regular file. */
	uint32_t direct_alignment_bytes;
} btrn_file_info;

/* A file descriptor. `path` ends in a zero byte. Regular files and block devices only; a FIFO is refused, never waited for. */
BTRN_EXPORT int32_t btrn_open(const uint8_t *path, uint32_t flags);
BTRN_EXPORT int32_t btrn_close(int32_t fd);
BTRN_EXPORT int32_t btrn_file_info_get(int32_t fd, btrn_file_info *info);

/* Full-length transfers; EINTR is handled. A read returns fewer bytes only at the end of the file. */
BTRN_EXPORT int64_t btrn_pread(int32_t fd, uint8_t *buffer, uint64_t length, uint64_t offset);
BTRN_EXPORT int64_t btrn_pwrite(int32_t fd, const uint8_t *buffer, uint64_t length, uint64_t offset);

/* One piece of a gathered write; its bytes are only read. */
typedef struct btrn_part {
	uint8_t *data;
	uint64_t length;
} btrn_part;

/* Writes all parts one behind the other from `offset` on. The parts are changed: what is left of them means nothing to the caller. */
BTRN_EXPORT int64_t btrn_pwritev(int32_t fd, btrn_part *parts, uint32_t count, uint64_t offset);
BTRN_EXPORT int32_t btrn_fsync(int32_t fd);

/* A hint that the bytes of the range are wanted no more: a hole in a file, a discard on a device. What is read there afterwards is anything. */
BTRN_EXPORT int32_t btrn_discard(int32_t fd, uint64_t offset, uint64_t length);

/* A hint that the range is wanted soon. */
BTRN_EXPORT int32_t btrn_read_ahead(int32_t fd, uint64_t offset, uint64_t length);

/* Drops the block device's own page cache, so that what a mounted file system wrote past it is seen. */
BTRN_EXPORT int32_t btrn_flush_device_cache(int32_t fd);

/* ---- sinks ---- */

/* What a descriptor takes the pages of a file as, without their bytes going through the caller's memory. */
typedef enum btrn_sink_kind {
	/* It doesn't. */
	BTRN_SINK_OTHER = 0,
	/* A pipe: it holds the very pages of the page cache until they are read. */
	BTRN_SINK_PIPE = 1,
	/* A character device or a socket. */
	BTRN_SINK_STREAM = 2,
	/* A device that forgets what it gets: what is moved there is wanted in the page cache, and nowhere else. */
	BTRN_SINK_NOWHERE = 3,
} btrn_sink_kind;

/* The kind of a descriptor. A pipe is enlarged to 1 MiB where it is smaller and that is allowed. */
BTRN_EXPORT int32_t btrn_sink_prepare(int32_t fd);

/* A pipe for one's own use: its two descriptors, and how many bytes it holds if each page is full. */
BTRN_EXPORT int32_t btrn_pipe_create(int32_t *read_end, int32_t *write_end);

/* Copies bytes into a pipe as far as there is room at once. Returns how many. */
BTRN_EXPORT int64_t btrn_pipe_write(int32_t fd, const uint8_t *data, uint64_t length);

/* Takes bytes out of a pipe as far as there are any. Returns how many. */
BTRN_EXPORT int64_t btrn_pipe_read(int32_t fd, uint8_t *buffer, uint64_t length);

/*
 * Moves bytes of the file `source` into a sink of that kind: into a pipe as far as there is room at once, into others waiting for room. Returns how many: fewer than
 * asked for also where the file ends, or either side refuses; whoever then carries the rest by hand meets the reason.
 */
BTRN_EXPORT int64_t btrn_sink_move(int32_t fd, btrn_sink_kind kind, int32_t source, uint64_t offset, uint64_t length);

/* Moves bytes from a pipe to another, waiting for room there. Returns how many, as above. */
BTRN_EXPORT int64_t btrn_pipe_forward(int32_t source, int32_t fd, uint64_t length);

/* Bytes that a pipe holds and nobody has read; 0 where nobody will. */
BTRN_EXPORT int64_t btrn_pipe_unread(int32_t fd);

/* ---- batched reads ---- */

typedef struct btrn_ring btrn_ring;

typedef enum btrn_ring_mode {
	BTRN_RING_IO_URING = 1,
	BTRN_RING_PREAD = 2,
} btrn_ring_mode;

typedef struct btrn_read {
	uint64_t offset;
	uint8_t *buffer;
	/* Out: bytes read, fewer than `length` only at the end of the file, or -errno. */
	int64_t result;
	uint32_t length;
	int32_t fd;
} btrn_read;

/*
 * A ring that keeps up to `depth` reads in flight. `mode` is the wish: where the kernel refuses io_uring (ENOSYS, or EPERM by seccomp)
 * the ring reads one by one instead. Returns the mode that it is in.
 */
BTRN_EXPORT int32_t btrn_ring_create(uint32_t depth, btrn_ring_mode mode, btrn_ring **ring);

/* Runs all reads, in any order and any number, and waits for the last. An error here (not in a result) leaves the ring unusable. */
BTRN_EXPORT int32_t btrn_ring_read(btrn_ring *ring, btrn_read *reads, uint32_t count);
BTRN_EXPORT void btrn_ring_destroy(btrn_ring *ring);

/* ---- decompression ---- */

typedef struct btrn_decoder btrn_decoder;

/* One context serves both formats, so that its tables and windows are reused from call to call. */
BTRN_EXPORT int32_t btrn_decoder_create(btrn_decoder **decoder);
BTRN_EXPORT void btrn_decoder_destroy(btrn_decoder *decoder);

/*
 * Bytes produced: decoding stops at the stream's end or as soon as the destination is full, and what follows in the source is not looked at.
 * -EBADMSG for a corrupt or truncated stream. The formats' own checksums are not checked: btrfs has its checksums over these bytes, and the kernel
 * passes over the Adler-32 of zlib too. A few malformed Huffman tables that zlib itself refuses are let through. A zstd frame with a window
 * over 2^window_log_max bytes is refused as corrupt.
 */
BTRN_EXPORT int64_t btrn_zlib_decompress(btrn_decoder *decoder, const uint8_t *source, uint64_t source_length, uint8_t *destination, uint64_t destination_length);
BTRN_EXPORT int64_t btrn_zstd_decompress(btrn_decoder *decoder, const uint8_t *source, uint64_t source_length, uint8_t *destination, uint64_t destination_length, uint32_t window_log_max);

/* ---- compression ---- */

typedef struct btrn_encoder btrn_encoder;

/* One context serves both formats, like a decoder. */
BTRN_EXPORT int32_t btrn_encoder_create(btrn_encoder **encoder);
BTRN_EXPORT void btrn_encoder_destroy(btrn_encoder *encoder);

/*
 * The length of one whole zlib stream, or zstd frame, of all of the source: at most 1 GiB of it. -E2BIG where the destination is too short. Levels are
 * those of the formats' own libraries: 1 to 9 for zlib; -15 to 15, with 0 for the usual one, for zstd, whose window is no larger than the source needs.
 */
BTRN_EXPORT int64_t btrn_zlib_compress(btrn_encoder *encoder, int32_t level, const uint8_t *source, uint64_t source_length, uint8_t *destination, uint64_t destination_length);
BTRN_EXPORT int64_t btrn_zstd_compress(btrn_encoder *encoder, int32_t level, const uint8_t *source, uint64_t source_length, uint8_t *destination, uint64_t destination_length);

#ifdef __cplusplus
}
#endif

#endif
