/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "btrfs_native.h"

#define SOURCE_MAX (1ull << 30)

/* Each part is made when its format is first met. */
struct btrn_encoder {
	ZSTD_CCtx *zstd;
	z_stream zlib;
	int32_t zlib_level;
};

int32_t btrn_encoder_create(btrn_encoder **encoder)
{
	*encoder = calloc(1, sizeof(**encoder));
	return *encoder ? 0 : -ENOMEM;
}

void btrn_encoder_destroy(btrn_encoder *encoder)
{
	if (!encoder)
		return;
	if (encoder->zlib_level)
		deflateEnd(&encoder->zlib);
	ZSTD_freeCCtx(encoder->zstd);
	free(encoder);
}

/* A stream's tables depend on the level; a file system has one, so it is hardly ever made anew. */
static int32_t prepare_zlib(btrn_encoder *encoder, int32_t level)
{
	if (encoder->zlib_level == level)
		return deflateReset(&encoder->zlib) == Z_OK ? 0 : -EINVAL;
	if (encoder->zlib_level)
		deflateEnd(&encoder->zlib);
	encoder->zlib_level = 0;
	if (deflateInit(&encoder->zlib, level) != Z_OK)
		return -ENOMEM;
	encoder->zlib_level = level;
	return 0;
}

int64_t btrn_zlib_compress(btrn_encoder *encoder, int32_t level, const uint8_t *source, uint64_t source_length, uint8_t *destination, uint64_t destination_length)
{
	z_stream *stream = &encoder->zlib;
	int32_t result;

	if (level < 1 || level > 9 || source_length > SOURCE_MAX)
		return -EINVAL;
	result = prepare_zlib(encoder, level);
	if (result < 0)
		return result;
	if (destination_length > 2 * SOURCE_MAX)
		destination_length = 2 * SOURCE_MAX;
	stream->next_in = (Bytef *)source;
	stream->avail_in = (uInt)source_length;
	stream->next_out = destination;
	stream->avail_out = (uInt)destination_length;
	if (deflate(stream, Z_FINISH) != Z_STREAM_END)
		return -E2BIG;
	return (int64_t)(destination_length - stream->avail_out);
}

int64_t btrn_zstd_compress(btrn_encoder *encoder, int32_t level, const uint8_t *source, uint64_t source_length, uint8_t *destination, uint64_t destination_length)
{
	size_t result;

	if (level < -15 || level > 15 || source_length > SOURCE_MAX)
		return -EINVAL;
	if (!encoder->zstd && !(encoder->zstd = ZSTD_createCCtx()))
		return -ENOMEM;
	ZSTD_CCtx_reset(encoder->zstd, ZSTD_reset_session_only);
	ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_compressionLevel, level);
	result = ZSTD_compress2(encoder->zstd, destination, destination_length, source, source_length);
	if (!ZSTD_isError(result))
		return (int64_t)result;
	switch (ZSTD_getErrorCode(result)) {
	case ZSTD_error_dstSize_tooSmall:
		return -E2BIG;
	case ZSTD_error_memory_allocation:
		return -ENOMEM;
	default:
		return -EINVAL;
	}
}
