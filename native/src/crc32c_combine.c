/* SPDX-License-Identifier: MIT */
#include "crc32c.h"

#include <stdatomic.h>

#include "btrfs_native.h"
#include "cpu.h"

#define REFLECTED_POLYNOMIAL 0x82f63b78u
#define ONE 0x80000000u

uint32_t crc32c_multiply(uint32_t a, uint32_t b)
{
	uint32_t product = 0;

	for (uint32_t bit = ONE; bit; bit >>= 1) {
		if (a & bit)
			product ^= b;
		b = (b >> 1) ^ (b & 1 ? REFLECTED_POLYNOMIAL : 0);
	}
	return product;
}

uint32_t crc32c_power_of_x(uint64_t exponent)
{
	uint32_t result = ONE, square = ONE >> 1;

	for (exponent %= CRC32C_ORDER; exponent; exponent >>= 1) {
		if (exponent & 1)
			result = crc32c_multiply(result, square);
		square = crc32c_multiply(square, square);
	}
	return result;
}

/* What a length is turned into: x^(8 * length), or the constant of the carry-less multiplication where the CPU has it. */
static uint32_t factor_of(uint64_t length)
{
#if defined(__x86_64__)
	if (cpu_features & CPU_SSE42_CLMUL)
		return crc32c_shift_constant(length);
#endif
	return crc32c_power_of_x(8 * (length % CRC32C_ORDER));
}

/* The length in the high half and its factor in the low one, in a single word so that threads never see half of a pair. 0 is no pair: a factor is never 0. */
static _Atomic uint64_t last_pair;

uint32_t btrn_crc32c_combine(uint32_t crc_a, uint32_t crc_b, uint64_t length_b)
{
	uint64_t pair = atomic_load_explicit(&last_pair, memory_order_relaxed);
	uint32_t factor = (uint32_t)pair;

	if (factor == 0 || pair >> 32 != length_b) {
		factor = factor_of(length_b);
		if (length_b >> 32 == 0)
			atomic_store_explicit(&last_pair, length_b << 32 | factor, memory_order_relaxed);
	}
#if defined(__x86_64__)
	if (cpu_features & CPU_SSE42_CLMUL)
		return crc32c_shift_clmul(crc_a, factor) ^ crc_b;
#endif
	return crc32c_multiply(crc_a, factor) ^ crc_b;
}
