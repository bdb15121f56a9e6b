/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>

#include "btrfs_native.h"

struct btrn_ring {
	struct io_uring uring;
	btrn_ring_mode mode;
	uint32_t depth;
};

static int start_uring(btrn_ring *ring)
{
	struct io_uring_probe *probe;
	int can_read;

	if (io_uring_queue_init(ring->depth, &ring->uring, 0) < 0)
		return 0;
	/* Kernels before 5.6 have rings but not this operation. */
	probe = io_uring_get_probe_ring(&ring->uring);
	can_read = probe && io_uring_opcode_supported(probe, IORING_OP_READ);
	io_uring_free_probe(probe);
	if (!can_read)
		io_uring_queue_exit(&ring->uring);
	return can_read;
}

int32_t btrn_ring_create(uint32_t depth, btrn_ring_mode mode, btrn_ring **result)
{
	btrn_ring *ring;

	if (depth == 0 || depth > 4096 || (mode != BTRN_RING_IO_URING && mode != BTRN_RING_PREAD))
		return -EINVAL;
	ring = calloc(1, sizeof(*ring));
	if (!ring)
		return -ENOMEM;
	ring->depth = depth;
	ring->mode = mode == BTRN_RING_IO_URING && start_uring(ring) ? BTRN_RING_IO_URING : BTRN_RING_PREAD;
	*result = ring;
	return (int32_t)ring->mode;
}

void btrn_ring_destroy(btrn_ring *ring)
{
	if (!ring)
		return;
	if (ring->mode == BTRN_RING_IO_URING)
		io_uring_queue_exit(&ring->uring);
	free(ring);
}

/* A short or interrupted read is the exception: it is finished one by one, so that the common path stays a single round. */
static void settle(btrn_read *read, int32_t result)
{
	if (result == -EINTR || result == -EAGAIN)
		result = 0;
	if (result >= 0 && (uint32_t)result < read->length) {
		int64_t rest = btrn_pread(read->fd, read->buffer + result, read->length - (uint32_t)result, read->offset + (uint32_t)result);

		/* An O_DIRECT file that ends inside a block has given its tail, and refuses the unaligned rest of the request. */
		if (rest == -EINVAL && result > 0)
			rest = 0;
		read->result = rest < 0 ? rest : result + rest;
	} else {
		read->result = result;
	}
}

/* Takes every completion that is there, and waits for the first if there is none. */
static int reap(btrn_ring *ring, uint32_t *in_flight)
{
	struct io_uring_cqe *cqe;
	unsigned int head, seen = 0;
	int error;

	do {
		error = io_uring_wait_cqe(&ring->uring, &cqe);
	} while (error == -EINTR);
	if (error < 0)
		return error;
	io_uring_for_each_cqe(&ring->uring, head, cqe) {
		settle(io_uring_cqe_get_data(cqe), cqe->res);
		seen++;
	}
	io_uring_cq_advance(&ring->uring, seen);
	*in_flight -= seen;
	return 0;
}

static int32_t read_one_by_one(btrn_read *reads, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		reads[i].result = btrn_pread(reads[i].fd, reads[i].buffer, reads[i].length, reads[i].offset);
	return 0;
}

/* The kernel takes no more: what it has is waited for, since it writes to the caller's buffers, and the ring goes on without it. */
static int32_t give_up_uring(btrn_ring *ring, uint32_t in_flight, btrn_read *rest, uint32_t count)
{
	while (in_flight) {
		int error = reap(ring, &in_flight);

		if (error < 0)
			return error;
	}
	io_uring_queue_exit(&ring->uring);
	ring->mode = BTRN_RING_PREAD;
	return read_one_by_one(rest, count);
}

static int32_t read_by_uring(btrn_ring *ring, btrn_read *reads, uint32_t count)
{
	/* Of reads[0 .. next) the last `unsubmitted` stand in the queue, `in_flight` of the others are with the kernel. */
	uint32_t next = 0, unsubmitted = 0, in_flight = 0;

	while (next < count || unsubmitted || in_flight) {
		struct io_uring_sqe *sqe;
		int result;

		while (next < count && in_flight + unsubmitted < ring->depth && (sqe = io_uring_get_sqe(&ring->uring))) {
			io_uring_prep_read(sqe, reads[next].fd, reads[next].buffer, reads[next].length, reads[next].offset);
			io_uring_sqe_set_data(sqe, &reads[next]);
			next++;
			unsubmitted++;
		}
		if (unsubmitted) {
			result = io_uring_submit(&ring->uring);
			if (result >= 0) {
				unsubmitted -= (uint32_t)result;
				in_flight += (uint32_t)result;
			} else if (result != -EINTR && !((result == -EAGAIN || result == -EBUSY) && in_flight)) {
				return give_up_uring(ring, in_flight, reads + next - unsubmitted, count - next + unsubmitted);
			}
		}
		if (in_flight) {
			result = reap(ring, &in_flight);
			if (result < 0)
				return result;
		}
	}
	return 0;
}

int32_t btrn_ring_read(btrn_ring *ring, btrn_read *reads, uint32_t count)
{
	return ring->mode == BTRN_RING_IO_URING ? read_by_uring(ring, reads, count) : read_one_by_one(reads, count);
}
