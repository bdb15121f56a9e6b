/* SPDX-License-Identifier: MIT */
/* BLAKE2b with a digest of 32 bytes and no key, after RFC 7693. */
#include <string.h>

#include "btrfs_native.h"

#define BLOCK 128
#define DIGEST 32
#define ROUNDS 12

static const uint64_t iv[8] = {
	0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
	0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

/* Rounds 10 and 11 use the schedules of rounds 0 and 1 again. */
static const uint8_t sigma[10][16] = {
	{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
	{ 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3 },
	{ 11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4 },
	{ 7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8 },
	{ 9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13 },
	{ 2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9 },
	{ 12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11 },
	{ 13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10 },
	{ 6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5 },
	{ 10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0 },
};

static inline uint64_t rotate_right(uint64_t value, int bits)
{
	return value >> bits | value << (64 - bits);
}

#define MIX(a, b, c, d, x, y)                                  \
	do {                                                   \
		v[a] += v[b] + (x);                            \
		v[d] = rotate_right(v[d] ^ v[a], 32);          \
		v[c] += v[d];                                  \
		v[b] = rotate_right(v[b] ^ v[c], 24);          \
		v[a] += v[b] + (y);                            \
		v[d] = rotate_right(v[d] ^ v[a], 16);          \
		v[c] += v[d];                                  \
		v[b] = rotate_right(v[b] ^ v[c], 63);          \
	} while (0)

/* `end` counts the bytes up to the end of this block; a uint64_t is enough, the high half of the counter stays 0. */
static void compress(uint64_t state[8], const uint8_t *block, uint64_t end, int is_last)
{
	uint64_t m[16], v[16];

	memcpy(m, block, BLOCK);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	for (int i = 0; i < 16; i++)
		m[i] = __builtin_bswap64(m[i]);
#endif
	memcpy(v, state, 64);
	memcpy(v + 8, iv, 64);
	v[12] ^= end;
	if (is_last)
		v[14] = ~v[14];

#pragma GCC unroll 12
	for (int round = 0; round < ROUNDS; round++) {
		const uint8_t *s = sigma[round % 10];

		MIX(0, 4, 8, 12, m[s[0]], m[s[1]]);
		MIX(1, 5, 9, 13, m[s[2]], m[s[3]]);
		MIX(2, 6, 10, 14, m[s[4]], m[s[5]]);
		MIX(3, 7, 11, 15, m[s[6]], m[s[7]]);
		MIX(0, 5, 10, 15, m[s[8]], m[s[9]]);
		MIX(1, 6, 11, 12, m[s[10]], m[s[11]]);
		MIX(2, 7, 8, 13, m[s[12]], m[s[13]]);
		MIX(3, 4, 9, 14, m[s[14]], m[s[15]]);
	}
	for (int i = 0; i < 8; i++)
		state[i] ^= v[i] ^ v[i + 8];
}

static void blake2b256(const uint8_t *data, uint64_t length, uint8_t *result)
{
	uint64_t state[8], done = 0;
	uint8_t last[BLOCK] = { 0 };

	memcpy(state, iv, sizeof(state));
	/* The parameter block: digest length, no key, fanout 1, depth 1. */
	state[0] ^= 0x01010000 ^ DIGEST;

	/* The last block is never empty unless the message is, so a full one at the end is kept back. */
	for (; length - done > BLOCK; done += BLOCK)
		compress(state, data + done, done + BLOCK, 0);
	if (length)
		memcpy(last, data + done, length - done);
	compress(state, last, length, 1);

	for (int i = 0; i < DIGEST; i++)
		result[i] = (uint8_t)(state[i / 8] >> 8 * (i % 8));
}

void btrn_blake2b256_sectors(const uint8_t *data, uint64_t sector_size, uint64_t count, uint8_t *results)
{
	for (uint64_t i = 0; i < count; i++, data += sector_size, results += DIGEST)
		blake2b256(data, sector_size, results);
}
