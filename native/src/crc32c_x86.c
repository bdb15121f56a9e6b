/* SPDX-License-Identifier: MIT */
/*
 * The crc32 instruction takes 8 bytes a cycle but answers after 3 cycles: three independent streams keep it busy. Carry-less
 * multiplication over 512 bits is faster still: 256 bytes a step, each lane folded forward by multiplying it with a power of x.
 */
#include "crc32c.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#include "cpu.h"

#define TARGET_SSE42 __attribute__((target("sse4.2,pclmul")))
#define TARGET_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,vpclmulqdq,pclmul,sse4.2")))

/* Bytes of one of the three streams. 3 * 1360 is nearly all of a 4 KiB sector. */
#define LONG_STREAM 1360
#define SHORT_STREAM 168

static struct {
	uint32_t one_long, two_long, one_short, two_short;
	/* Pairs (low, high half of a 128-bit lane) that fold a lane forward by that many bytes. */
	__m512i by_256, by_192, by_128, by_64;
	/* Folds lanes 0, 1, 2 forward onto lane 3, which itself counts as 0 here. */
	__m512i onto_last_lane;
} constants __attribute__((aligned(64)));

/*
 * Reflected operands make the product of a carry-less multiplication one power of x too high, and the crc32 instruction multiplies by
 * x^32: hence the 33.
 */
uint32_t crc32c_shift_constant(uint64_t length)
{
	return crc32c_power_of_x(8 * (length % CRC32C_ORDER) + CRC32C_ORDER - 33);
}

TARGET_SSE42 uint32_t crc32c_shift_clmul(uint32_t crc, uint32_t constant)
{
	__m128i product = _mm_clmulepi64_si128(_mm_cvtsi32_si128((int)crc), _mm_cvtsi32_si128((int)constant), 0);

	return (uint32_t)_mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

/*
 * A lane stands for low * x^64 + high. Both constants are 32-bit values in a 64-bit operand, which itself counts as x^32, and the product
 * is one power too high: so the low half takes x^(d + 64 - 33), the high one x^(d - 33).
 */
static void set_fold(uint64_t *pair, uint64_t bytes)
{
	pair[0] = crc32c_power_of_x(8 * bytes + 31);
	pair[1] = crc32c_power_of_x(8 * bytes - 33);
}

static void set_fold_all(__m512i *vector, uint64_t bytes)
{
	for (int lane = 0; lane < 4; lane++)
		set_fold((uint64_t *)vector + 2 * lane, bytes);
}

__attribute__((constructor(102))) static void prepare(void)
{
	if (cpu_features & CPU_SSE42_CLMUL) {
		constants.one_long = crc32c_shift_constant(LONG_STREAM);
		constants.two_long = crc32c_shift_constant(2 * LONG_STREAM);
		constants.one_short = crc32c_shift_constant(SHORT_STREAM);
		constants.two_short = crc32c_shift_constant(2 * SHORT_STREAM);
	}
	if (cpu_features & CPU_AVX512_VPCLMUL) {
		set_fold_all(&constants.by_256, 256);
		set_fold_all(&constants.by_192, 192);
		set_fold_all(&constants.by_128, 128);
		set_fold_all(&constants.by_64, 64);
		for (int lane = 0; lane < 3; lane++)
			set_fold((uint64_t *)&constants.onto_last_lane + 2 * lane, (uint64_t)(48 - 16 * lane));
	}
}

static inline uint64_t load64(const uint8_t *data)
{
	uint64_t value;

	memcpy(&value, data, 8);
	return value;
}

TARGET_SSE42 static inline uint32_t three_streams(uint32_t state, const uint8_t *data, uint64_t stream, uint32_t by_one, uint32_t by_two)
{
	uint64_t a = state, b = 0, c = 0;

	for (uint64_t i = 0; i < stream; i += 8) {
		a = _mm_crc32_u64(a, load64(data + i));
		b = _mm_crc32_u64(b, load64(data + stream + i));
		c = _mm_crc32_u64(c, load64(data + 2 * stream + i));
	}
	return crc32c_shift_clmul((uint32_t)a, by_two) ^ crc32c_shift_clmul((uint32_t)b, by_one) ^ (uint32_t)c;
}

TARGET_SSE42 uint32_t crc32c_sse42(uint32_t state, const uint8_t *data, uint64_t length)
{
	for (; length >= 3 * LONG_STREAM; data += 3 * LONG_STREAM, length -= 3 * LONG_STREAM)
		state = three_streams(state, data, LONG_STREAM, constants.one_long, constants.two_long);
	for (; length >= 3 * SHORT_STREAM; data += 3 * SHORT_STREAM, length -= 3 * SHORT_STREAM)
		state = three_streams(state, data, SHORT_STREAM, constants.one_short, constants.two_short);

	uint64_t wide = state;

	for (; length >= 8; data += 8, length -= 8)
		wide = _mm_crc32_u64(wide, load64(data));
	state = (uint32_t)wide;
	for (; length; data++, length--)
		state = _mm_crc32_u8(state, *data);
	return state;
}

/* value * x^d + next, lane by lane. */
TARGET_AVX512 static inline __m512i fold(__m512i value, __m512i factor, __m512i next)
{
	__m512i low = _mm512_clmulepi64_epi128(value, factor, 0x00);
	__m512i high = _mm512_clmulepi64_epi128(value, factor, 0x11);

	/* 0x96 is the three-way exclusive or. */
	return _mm512_ternarylogic_epi64(low, high, next, 0x96);
}

TARGET_AVX512 uint32_t crc32c_avx512(uint32_t state, const uint8_t *data, uint64_t length)
{
	if (length < 256)
		return crc32c_sse42(state, data, length);

	__m512i a = _mm512_xor_si512(_mm512_loadu_si512(data), _mm512_zextsi128_si512(_mm_cvtsi32_si128((int)state)));
	__m512i b = _mm512_loadu_si512(data + 64);
	__m512i c = _mm512_loadu_si512(data + 128);
	__m512i d = _mm512_loadu_si512(data + 192);
	const __m512i by_256 = constants.by_256;

	for (data += 256, length -= 256; length >= 256; data += 256, length -= 256) {
		a = fold(a, by_256, _mm512_loadu_si512(data));
		b = fold(b, by_256, _mm512_loadu_si512(data + 64));
		c = fold(c, by_256, _mm512_loadu_si512(data + 128));
		d = fold(d, by_256, _mm512_loadu_si512(data + 192));
	}

	d = fold(a, constants.by_192, fold(b, constants.by_128, fold(c, constants.by_64, d)));
	for (; length >= 64; data += 64, length -= 64)
		d = fold(d, constants.by_64, _mm512_loadu_si512(data));

	/* 0xc0 keeps lane 3 alone. */
	d = fold(d, constants.onto_last_lane, _mm512_maskz_mov_epi64(0xc0, d));
	__m256i half = _mm256_xor_si256(_mm512_castsi512_si256(d), _mm512_extracti64x4_epi64(d, 1));
	__m128i lane = _mm_xor_si128(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
	uint64_t crc = _mm_crc32_u64(_mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(lane)), (uint64_t)_mm_extract_epi64(lane, 1));

	return crc32c_sse42((uint32_t)crc, data, length);
}

#endif
