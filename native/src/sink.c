/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "btrfs_native.h"

/* What an unprivileged process may have without further ado. */
#define PIPE_BYTES (1 << 20)

#define TRANSFER_MAX 0x7ffff000ull

#define SAMPLE_BYTES (64u << 10)

int32_t btrn_sink_prepare(int32_t fd)
{
	struct stat status;
	int size;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (S_ISFIFO(status.st_mode)) {
		size = fcntl(fd, F_GETPIPE_SZ);
		/* More room saves changes between writer and reader; where it is refused, less room does. */
		if (size >= 0 && size < PIPE_BYTES)
			(void)fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES);
		return BTRN_SINK_PIPE;
	}
	return S_ISCHR(status.st_mode) || S_ISSOCK(status.st_mode) ? BTRN_SINK_STREAM : BTRN_SINK_OTHER;
}

/* Waits until a descriptor that doesn't block takes more. */
static int wait_for_room(int fd)
{
	struct pollfd wanted = { .fd = fd, .events = POLLOUT };
	int result;

	do {
		result = poll(&wanted, 1, -1);
	} while (result < 0 && errno == EINTR);
	return result < 0 || (wanted.revents & (POLLERR | POLLNVAL)) ? -1 : 0;
}

int32_t btrn_pipe_create(int32_t *read_end, int32_t *write_end)
{
	int ends[2], size;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	(void)fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES);
	size = fcntl(ends[1], F_GETPIPE_SZ);
	*read_end = ends[0];
	*write_end = ends[1];
	return size;
}

/* Writes or reads until all is done, or the pipe is full, empty or broken. */
static int64_t transfer(int fd, uint8_t *data, uint64_t length, int writes)
{
	uint64_t done = 0;

	while (done < length) {
		ssize_t n = writes ? write(fd, data + done, length - done) : read(fd, data + done, length - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (uint64_t)n;
	}
	return (int64_t)done;
}

int64_t btrn_pipe_write(int32_t fd, const uint8_t *data, uint64_t length)
{
	return transfer(fd, (uint8_t *)data, length, 1);
}

int64_t btrn_pipe_read(int32_t fd, uint8_t *buffer, uint64_t length)
{
	return transfer(fd, buffer, length, 0);
}

/* Whether the page cache has all of a range. Kernels before 6.5 can't tell. */
static int has_pages(int fd, uint64_t offset, uint64_t length)
{
#ifdef SYS_cachestat
	const long number = SYS_cachestat;
#else
	const long number = 451;
#endif
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t range[2] = { offset, length };
	/* Pages that are cached, dirty, under writeback, evicted, evicted not long ago. */
	uint64_t counts[5] = { 0 };

	if (length == 0 || syscall(number, fd, range, counts, 0) < 0)
		return 0;
	return counts[0] >= (offset + length - 1) / page - offset / page + 1;
}

/* Pages come into the cache in runs, and leave it in runs: both ends tell enough, and cost less than all pages in between. */
static int seems_cached(int fd, uint64_t offset, uint64_t length)
{
	if (length <= 2 * SAMPLE_BYTES)
		return has_pages(fd, offset, length);
	return has_pages(fd, offset, SAMPLE_BYTES) && has_pages(fd, offset + length - SAMPLE_BYTES, SAMPLE_BYTES);
}

int64_t btrn_sink_move(int32_t fd, btrn_sink_kind kind, int32_t source, uint64_t offset, uint64_t length)
{
	uint64_t done = 0;

	if (kind == BTRN_SINK_NOWHERE && seems_cached(source, offset, length))
		return (int64_t)length;
	while (done < length) {
		uint64_t left = length - done < TRANSFER_MAX ? length - done : TRANSFER_MAX;
		off_t at = (off_t)(offset + done);
		ssize_t n = kind == BTRN_SINK_PIPE ? splice(source, &at, fd, NULL, left, SPLICE_F_NONBLOCK) : sendfile(fd, source, &at, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN && kind != BTRN_SINK_PIPE && wait_for_room(fd) == 0)
			continue;
		if (n <= 0)
			break;
		done += (uint64_t)n;
	}
	return (int64_t)done;
}

int64_t btrn_pipe_forward(int32_t source, int32_t fd, uint64_t length)
{
	uint64_t done = 0;

	while (done < length) {
		ssize_t n = splice(source, NULL, fd, NULL, length - done, SPLICE_F_MOVE);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN && wait_for_room(fd) == 0)
			continue;
		if (n <= 0)
			break;
		done += (uint64_t)n;
	}
	return (int64_t)done;
}

int64_t btrn_pipe_unread(int32_t fd)
{
	struct pollfd wanted = { .fd = fd, .events = POLLOUT };
	int unread;

	/* Without a reader nothing is read any more. */
	if (poll(&wanted, 1, 0) > 0 && (wanted.revents & (POLLERR | POLLNVAL)))
		return 0;
	return ioctl(fd, FIONREAD, &unread) < 0 ? -errno : unread;
}
