/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "btrfs_native.h"

#define REGULAR_FILE_DIRECT_ALIGNMENT 4096

/* Linux moves at most this many bytes in one call. */
#define TRANSFER_MAX 0x7ffff000ull

/*
 * A lock of the open file description. Not flock: the .NET base library takes a shared flock on every file that it reads, and would be
 * locked out. Virtual machine monitors hold their images by this kind of lock too.
 */
static int32_t lock_whole(int fd)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_SETLK, &whole) < 0 ? -errno : 0;
}

int32_t btrn_open(const uint8_t *path, uint32_t flags)
{
	/* O_NONBLOCK keeps the open of a FIFO from waiting for its other end; on what is accepted it means nothing, so it goes again. */
	int mode = O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (flags & BTRN_OPEN_WRITE ? O_RDWR : O_RDONLY) | (flags & BTRN_OPEN_DIRECT ? O_DIRECT : 0)
		| (flags & BTRN_OPEN_EXCLUSIVE ? O_EXCL : 0);
	btrn_file_info info;
	int fd, result, status;

	if (flags & ~(uint32_t)(BTRN_OPEN_WRITE | BTRN_OPEN_DIRECT | BTRN_OPEN_EXCLUSIVE))
		return -EINVAL;
	if (flags & BTRN_OPEN_EXCLUSIVE && !(flags & BTRN_OPEN_WRITE))
		return -EINVAL;
	do {
		fd = open((const char *)path, mode);
	} while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return -errno;

	result = btrn_file_info_get(fd, &info);
	if (result == 0) {
		status = fcntl(fd, F_GETFL);
		if (status < 0 || fcntl(fd, F_SETFL, status & ~O_NONBLOCK) < 0)
			result = -errno;
	}
	/* O_EXCL keeps a block device from a second holder, mounts among them, and means nothing to a file. */
	if (result == 0 && flags & BTRN_OPEN_EXCLUSIVE && info.kind == BTRN_FILE_REGULAR)
		result = lock_whole(fd);
	if (result < 0) {
		close(fd);
		return result;
	}
	return fd;
}

int32_t btrn_close(int32_t fd)
{
	/* Never retried: Linux has released the descriptor even where it says EINTR. */
	return close(fd) < 0 && errno != EINTR ? -errno : 0;
}

int32_t btrn_file_info_get(int32_t fd, btrn_file_info *info)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (S_ISREG(status.st_mode)) {
		info->size_bytes = (uint64_t)status.st_size;
		info->kind = BTRN_FILE_REGULAR;
		info->direct_alignment_bytes = REGULAR_FILE_DIRECT_ALIGNMENT;
		return 0;
	}
	if (S_ISBLK(status.st_mode)) {
		uint64_t size;
		int logical_block;

		if (ioctl(fd, BLKGETSIZE64, &size) < 0 || ioctl(fd, BLKSSZGET, &logical_block) < 0)
			return -errno;
		info->size_bytes = size;
		info->kind = BTRN_FILE_BLOCK_DEVICE;
		info->direct_alignment_bytes = (uint32_t)logical_block;
		return 0;
	}
	return S_ISDIR(status.st_mode) ? -EISDIR : -ENOTBLK;
}

int64_t btrn_pread(int32_t fd, uint8_t *buffer, uint64_t length, uint64_t offset)
{
	uint64_t done = 0;

	while (done < length) {
		uint64_t left = length - done;
		ssize_t n = pread(fd, buffer + done, left < TRANSFER_MAX ? left : TRANSFER_MAX, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		/* An O_DIRECT file that ends inside a block has given its tail, and refuses the unaligned rest of the request. */
		if (n == 0 || (n < 0 && errno == EINVAL && done > 0))
			break;
		if (n < 0)
			return -errno;
		done += (uint64_t)n;
	}
	return (int64_t)done;
}

int64_t btrn_pwrite(int32_t fd, const uint8_t *buffer, uint64_t length, uint64_t offset)
{
	uint64_t done = 0;

	while (done < length) {
		uint64_t left = length - done;
		ssize_t n = pwrite(fd, buffer + done, left < TRANSFER_MAX ? left : TRANSFER_MAX, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		/* Nothing written and no error: the end of a block device. */
		if (n == 0)
			return -ENOSPC;
		done += (uint64_t)n;
	}
	return (int64_t)done;
}

_Static_assert(sizeof(btrn_part) == sizeof(struct iovec) && offsetof(btrn_part, data) == offsetof(struct iovec, iov_base)
	&& offsetof(btrn_part, length) == offsetof(struct iovec, iov_len), "parts go to the kernel as they are");

int64_t btrn_pwritev(int32_t fd, btrn_part *parts, uint32_t count, uint64_t offset)
{
	uint64_t done = 0;

	for (;;) {
		ssize_t n;

		for (; count > 0 && parts->length == 0; count--)
			parts++;
		if (count == 0)
			return (int64_t)done;
		n = pwritev(fd, (const struct iovec *)parts, (int)(count < IOV_MAX ? count : IOV_MAX), (off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		/* Nothing written and no error: the end of a block device. */
		if (n == 0)
			return -ENOSPC;
		done += (uint64_t)n;
		for (; count > 0 && (uint64_t)n >= parts->length; count--)
			n -= (ssize_t)(parts++)->length;
		if (n > 0) {
			parts->data += n;
			parts->length -= (uint64_t)n;
		}
	}
}

int32_t btrn_fsync(int32_t fd)
{
	int result;

	do {
		result = fsync(fd);
	} while (result < 0 && errno == EINTR);
	return result < 0 ? -errno : 0;
}

int32_t btrn_read_ahead(int32_t fd, uint64_t offset, uint64_t length)
{
	return -posix_fadvise(fd, (off_t)offset, (off_t)length, POSIX_FADV_WILLNEED);
}

int32_t btrn_flush_device_cache(int32_t fd)
{
	return ioctl(fd, BLKFLSBUF, 0) < 0 ? -errno : 0;
}

int32_t btrn_discard(int32_t fd, uint64_t offset, uint64_t length)
{
	uint64_t range[2] = { offset, length };
	btrn_file_info info;
	int32_t result = btrn_file_info_get(fd, &info);

	if (result < 0)
		return result;
	if (info.kind == BTRN_FILE_BLOCK_DEVICE)
		return ioctl(fd, BLKDISCARD, range) < 0 ? -errno : 0;
	return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)length) < 0 ? -errno : 0;
}
