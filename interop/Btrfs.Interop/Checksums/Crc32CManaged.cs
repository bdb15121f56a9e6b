using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Btrfs.Interop;

/// <summary>The managed twin of the native crc32c, and the faster of the two for short data.</summary>
internal static class Crc32CManaged
{
    private const uint ReflectedPolynomial = 0x82F63B78;

    // The register's bit 31 is the coefficient of x^0.
    private const uint One = 0x80000000;

    // P = (x + 1) * a primitive polynomial of degree 31, so the powers of x repeat after this many.
    private const ulong Order = 0x7FFFFFFF;

    // Bytes of one of three interleaved streams; 3 * 1360 is nearly all of a 4 KiB sector.
    private const int LongStream = 1360;
    private const int ShortStream = 168;

    private static readonly uint s_oneLong = ShiftFactor(LongStream);
    private static readonly uint s_twoLong = ShiftFactor(2 * LongStream);
    private static readonly uint s_oneShort = ShiftFactor(ShortStream);
    private static readonly uint s_twoShort = ShiftFactor(2 * ShortStream);

    // The last length in the high half and its factor in the low one: a single word, so that threads never see half of a pair.
    // A factor is never 0.
    private static ulong s_lastPair;

    internal static uint Update(uint register, ReadOnlySpan<byte> data)
    {
        if (Pclmulqdq.IsSupported)
        {
            for (; data.Length >= 3 * LongStream; data = data[(3 * LongStream)..])
            {
                register = ThreeStreams(register, data, LongStream, s_oneLong, s_twoLong);
            }

            for (; data.Length >= 3 * ShortStream; data = data[(3 * ShortStream)..])
            {
                register = ThreeStreams(register, data, ShortStream, s_oneShort, s_twoShort);
            }
        }

        for (; data.Length >= sizeof(ulong); data = data[sizeof(ulong)..])
        {
            register = BitOperations.Crc32C(register, MemoryMarshal.Read<ulong>(data));
        }

        foreach (byte value in data)
        {
            register = BitOperations.Crc32C(register, value);
        }

        return register;
    }

    internal static void HashSectors(ReadOnlySpan<byte> data, int sectorSize, Span<uint> checksums)
    {
        for (int i = 0; i < checksums.Length; i++)
        {
            checksums[i] = ~Update(uint.MaxValue, data.Slice(i * sectorSize, sectorSize));
        }
    }

    internal static uint Combine(uint registerA, uint registerB, ulong lengthB)
    {
        ulong pair = Volatile.Read(ref s_lastPair);
        uint factor = (uint)pair;
        if (factor == 0 || pair >> 32 != lengthB)
        {
            factor = ShiftFactor(lengthB);
            if (lengthB <= uint.MaxValue)
            {
                Volatile.Write(ref s_lastPair, (lengthB << 32) | factor);
            }
        }

        return Shift(registerA, factor) ^ registerB;
    }

    // The crc32 instruction answers after three cycles but takes a new operand in each: three independent streams keep it busy.
    private static uint ThreeStreams(uint register, ReadOnlySpan<byte> data, int stream, uint byOne, uint byTwo)
    {
        ref byte first = ref MemoryMarshal.GetReference(data[..(3 * stream)]);
        uint a = register, b = 0, c = 0;
        for (int i = 0; i < stream; i += sizeof(ulong))
        {
            a = BitOperations.Crc32C(a, Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref first, i)));
            b = BitOperations.Crc32C(b, Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref first, stream + i)));
            c = BitOperations.Crc32C(c, Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref first, (2 * stream) + i)));
        }

        return Shift(a, byTwo) ^ Shift(b, byOne) ^ c;
    }

    // Moves a register over zero bytes. Reflected operands make a carry-less product one power of x too high, and the crc32 instruction
    // multiplies by x^32: the factor is made 33 powers lower for that.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static uint Shift(uint register, uint factor)
    {
        if (!Pclmulqdq.IsSupported)
        {
            return Multiply(register, factor);
        }

        Vector128<ulong> product = Pclmulqdq.CarrylessMultiply(Vector128.CreateScalar((ulong)register), Vector128.CreateScalar((ulong)factor), 0);
        return BitOperations.Crc32C(0, product.ToScalar());
    }

    internal static uint ShiftFactor(ulong length)
    {
        ulong exponent = 8 * (length % Order);
        return PowerOfX(Pclmulqdq.IsSupported ? exponent + Order - 33 : exponent);
    }

    private static uint PowerOfX(ulong exponent)
    {
        uint result = One;
        uint square = One >> 1;
        for (exponent %= Order; exponent != 0; exponent >>= 1)
        {
            if ((exponent & 1) != 0)
            {
                result = Multiply(result, square);
            }

            square = Multiply(square, square);
        }

        return result;
    }

    // a * b modulo the polynomial.
    private static uint Multiply(uint a, uint b)
    {
        uint product = 0;
        for (uint bit = One; bit != 0; bit >>= 1)
        {
            product ^= (a & bit) != 0 ? b : 0;
            b = (b >> 1) ^ ((b & 1) != 0 ? ReflectedPolynomial : 0);
        }

        return product;
    }
}
