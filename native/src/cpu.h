/* SPDX-License-Identifier: MIT */
#ifndef BTRN_CPU_H
#define BTRN_CPU_H

#include <stdint.h>

enum cpu_feature {
	CPU_SSE42_CLMUL = 1 << 0,
	CPU_AVX512_VPCLMUL = 1 << 1,
	CPU_SHA = 1 << 2,
};

/* What the CPU can do and the operating system saves the registers of. Set before main() and never changed. */
extern uint32_t cpu_features;

#endif
