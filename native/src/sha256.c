/* SPDX-License-Identifier: MIT */
/* SHA-256 after FIPS 180-4. */
#include <string.h>

#include "btrfs_native.h"
#include "cpu.h"

#define BLOCK 64

static const uint32_t round_constants[64] __attribute__((aligned(16))) = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static const uint32_t initial_state[8] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

typedef void compress_blocks(uint32_t state[8], const uint8_t *data, uint64_t blocks);

static inline uint32_t rotate_right(uint32_t value, int bits)
{
	return value >> bits | value << (32 - bits);
}

static void compress_portable(uint32_t state[8], const uint8_t *data, uint64_t blocks)
{
	for (; blocks; blocks--, data += BLOCK) {
		uint32_t w[64], s[8];

		for (int i = 0; i < 16; i++)
			w[i] = (uint32_t)data[4 * i] << 24 | (uint32_t)data[4 * i + 1] << 16 | (uint32_t)data[4 * i + 2] << 8 | data[4 * i + 3];
		for (int i = 16; i < 64; i++) {
			uint32_t s0 = rotate_right(w[i - 15], 7) ^ rotate_right(w[i - 15], 18) ^ w[i - 15] >> 3;
			uint32_t s1 = rotate_right(w[i - 2], 17) ^ rotate_right(w[i - 2], 19) ^ w[i - 2] >> 10;

			w[i] = w[i - 16] + s0 + w[i - 7] + s1;
		}
		memcpy(s, state, sizeof(s));
		for (int i = 0; i < 64; i++) {
			uint32_t big1 = rotate_right(s[4], 6) ^ rotate_right(s[4], 11) ^ rotate_right(s[4], 25);
			uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
			uint32_t t1 = s[7] + big1 + choice + round_constants[i] + w[i];
			uint32_t big0 = rotate_right(s[0], 2) ^ rotate_right(s[0], 13) ^ rotate_right(s[0], 22);
			uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);

			memmove(s + 1, s, 7 * sizeof(*s));
			s[4] += t1;
			s[0] = t1 + big0 + majority;
		}
		for (int i = 0; i < 8; i++)
			state[i] += s[i];
	}
}

static compress_blocks *chosen_compress = compress_portable;

#if defined(__x86_64__)

#include <immintrin.h>

__attribute__((target("sha,sse4.1,ssse3"))) static void compress_sha_ni(uint32_t state[8], const uint8_t *data, uint64_t blocks)
{
	const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	__m128i low = _mm_loadu_si128((const __m128i *)state), high = _mm_loadu_si128((const __m128i *)(state + 4));

	/* The instructions want the state as (A B E F) and (C D G H), the highest word first. */
	low = _mm_shuffle_epi32(low, 0xb1);
	high = _mm_shuffle_epi32(high, 0x1b);
	__m128i abef = _mm_alignr_epi8(low, high, 8), cdgh = _mm_blend_epi16(high, low, 0xf0);

	for (; blocks; blocks--, data += BLOCK) {
		const __m128i abef_before = abef, cdgh_before = cdgh;
		__m128i w[16];

#pragma GCC unroll 16
		for (int i = 0; i < 16; i++) {
			if (i < 4) {
				w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(data + 16 * i)), big_endian);
			} else {
				__m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w[i - 4], w[i - 3]), _mm_alignr_epi8(w[i - 1], w[i - 2], 4));

				w[i] = _mm_sha256msg2_epu32(sum, w[i - 1]);
			}
			__m128i input = _mm_add_epi32(w[i], _mm_load_si128((const __m128i *)(round_constants + 4 * i)));

			cdgh = _mm_sha256rnds2_epu32(cdgh, abef, input);
			abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(input, 0x0e));
		}
		abef = _mm_add_epi32(abef, abef_before);
		cdgh = _mm_add_epi32(cdgh, cdgh_before);
	}

	low = _mm_shuffle_epi32(abef, 0x1b);
	high = _mm_shuffle_epi32(cdgh, 0xb1);
	_mm_storeu_si128((__m128i *)state, _mm_blend_epi16(low, high, 0xf0));
	_mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(high, low, 8));
}

__attribute__((constructor(102))) static void choose(void)
{
	if (cpu_features & CPU_SHA)
		chosen_compress = compress_sha_ni;
}

#endif

static void sha256(compress_blocks *compress, const uint8_t *data, uint64_t length, uint8_t *result)
{
	uint8_t last[2 * BLOCK] = { 0 };
	uint32_t state[8];
	uint64_t tail = length % BLOCK, last_blocks = tail < BLOCK - 8 ? 1 : 2, bits = length * 8;

	memcpy(state, initial_state, sizeof(state));
	compress(state, data, length / BLOCK);

	if (tail)
		memcpy(last, data + length - tail, tail);
	last[tail] = 0x80;
	for (int i = 0; i < 8; i++)
		last[last_blocks * BLOCK - 1 - i] = (uint8_t)(bits >> 8 * i);
	compress(state, last, last_blocks);

	for (int i = 0; i < 32; i++)
		result[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}

void btrn_sha256_sectors(const uint8_t *data, uint64_t sector_size, uint64_t count, uint8_t *results)
{
	for (uint64_t i = 0; i < count; i++, data += sector_size, results += 32)
		sha256(chosen_compress, data, sector_size, results);
}

void btrn_sha256_portable(const uint8_t *data, uint64_t length, uint8_t *result)
{
	sha256(compress_portable, data, length, result);
}
