/* SPDX-License-Identifier: MIT */
#include "cpu.h"

uint32_t cpu_features;

#if defined(__x86_64__)

#include <cpuid.h>

/* XCR0 bits: xmm, ymm, opmask and both halves of zmm. */
#define XCR0_AVX512 0xe6u

static uint32_t enabled_register_sets(void)
{
	uint32_t low, high;

	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return low;
}

/* Priority 101 is the first that programs may use: every other constructor here may rely on the result. */
__attribute__((constructor(101))) static void detect(void)
{
	uint32_t a, b, c, d, leaf7_b = 0, leaf7_c = 0, found = 0;

	if (!__get_cpuid(1, &a, &b, &c, &d))
		return;
	__get_cpuid_count(7, 0, &a, &leaf7_b, &leaf7_c, &d);

	if ((c & bit_SSE4_2) && (c & bit_PCLMUL))
		found |= CPU_SSE42_CLMUL;
	if ((c & bit_SSE4_1) && (c & bit_SSSE3) && (leaf7_b & bit_SHA))
		found |= CPU_SHA;
	if ((found & CPU_SSE42_CLMUL) && (c & bit_OSXSAVE) && (enabled_register_sets() & XCR0_AVX512) == XCR0_AVX512 &&
	    (leaf7_b & bit_AVX512F) && (leaf7_b & bit_AVX512BW) && (leaf7_b & bit_AVX512VL) && (leaf7_c & bit_VPCLMULQDQ))
		found |= CPU_AVX512_VPCLMUL;
	cpu_features = found;
}

#endif
