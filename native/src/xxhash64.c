/* SPDX-License-Identifier: MIT */
/* xxHash64 with seed 0, after the algorithm's public description (doc/xxhash_spec.md of its project). */
#include <string.h>

#include "btrfs_native.h"

#define PRIME_1 0x9e3779b185ebca87ull
#define PRIME_2 0xc2b2ae3d27d4eb4full
#define PRIME_3 0x165667b19e3779f9ull
#define PRIME_4 0x85ebca77c2b2ae63ull
#define PRIME_5 0x27d4eb2f165667c5ull

static inline uint64_t rotate_left(uint64_t value, int bits)
{
	return value << bits | value >> (64 - bits);
}

static inline uint64_t load64(const uint8_t *data)
{
	uint64_t value;

	memcpy(&value, data, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	value = __builtin_bswap64(value);
#endif
	return value;
}

static inline uint32_t load32(const uint8_t *data)
{
	uint32_t value;

	memcpy(&value, data, 4);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	value = __builtin_bswap32(value);
#endif
	return value;
}

static inline uint64_t mix(uint64_t lane, uint64_t word)
{
	return rotate_left(lane + word * PRIME_2, 31) * PRIME_1;
}

static inline uint64_t merge(uint64_t hash, uint64_t lane)
{
	return (hash ^ mix(0, lane)) * PRIME_1 + PRIME_4;
}

static uint64_t xxhash64(const uint8_t *data, uint64_t length)
{
	uint64_t left = length, hash;

	if (length >= 32) {
		uint64_t a = PRIME_1 + PRIME_2, b = PRIME_2, c = 0, d = 0 - PRIME_1;

		for (; left >= 32; data += 32, left -= 32) {
			a = mix(a, load64(data));
			b = mix(b, load64(data + 8));
			c = mix(c, load64(data + 16));
			d = mix(d, load64(data + 24));
		}
		hash = rotate_left(a, 1) + rotate_left(b, 7) + rotate_left(c, 12) + rotate_left(d, 18);
		hash = merge(merge(merge(merge(hash, a), b), c), d);
	} else {
		hash = PRIME_5;
	}
	hash += length;

	for (; left >= 8; data += 8, left -= 8)
		hash = rotate_left(hash ^ mix(0, load64(data)), 27) * PRIME_1 + PRIME_4;
	if (left >= 4) {
		hash = rotate_left(hash ^ load32(data) * PRIME_1, 23) * PRIME_2 + PRIME_3;
		data += 4;
		left -= 4;
	}
	for (; left; data++, left--)
		hash = rotate_left(hash ^ *data * PRIME_5, 11) * PRIME_1;

	hash = (hash ^ hash >> 33) * PRIME_2;
	hash = (hash ^ hash >> 29) * PRIME_3;
	return hash ^ hash >> 32;
}

void btrn_xxhash64_sectors(const uint8_t *data, uint64_t sector_size, uint64_t count, uint64_t *results)
{
	for (uint64_t i = 0; i < count; i++, data += sector_size)
		results[i] = xxhash64(data, sector_size);
}
