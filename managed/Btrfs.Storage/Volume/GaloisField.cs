using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>The field GF(2^8) of raid6: polynomial x^8 + x^4 + x^3 + x^2 + 1 (0x11d), generator 2.</summary>
internal static class GaloisField
{
    private const byte Reduction = 0x1d;
    private const int Order = 255;
    private static readonly byte[] s_powers = BuildPowers();
    private static readonly byte[] s_logarithms = BuildLogarithms();

    /// <summary>The generator to the power of <paramref name="exponent"/>, which is not negative.</summary>
    public static byte Power(int exponent) => s_powers[exponent % Order];

    public static byte Inverse(byte value)
    {
        Invariant.That(value != 0);
        return s_powers[(Order - s_logarithms[value]) % Order];
    }

    public static byte Multiply(byte left, byte right) =>
        left == 0 || right == 0 ? (byte)0 : s_powers[(s_logarithms[left] + s_logarithms[right]) % Order];

    /// <summary>Adds <paramref name="other"/> to <paramref name="sum"/>, byte by byte.</summary>
    public static void Add(Span<byte> sum, ReadOnlySpan<byte> other)
    {
        Invariant.That(sum.Length == other.Length);
        Span<Vector256<byte>> sums = MemoryMarshal.Cast<byte, Vector256<byte>>(sum);
        ReadOnlySpan<Vector256<byte>> others = MemoryMarshal.Cast<byte, Vector256<byte>>(other);
        for (int i = 0; i < sums.Length; i++)
            sums[i] ^= others[i];
        for (int i = sums.Length * Vector256<byte>.Count; i < sum.Length; i++)
            sum[i] ^= other[i];
    }

    /// <summary>Multiplies every byte by the generator.</summary>
    public static void Double(Span<byte> values)
    {
        Span<Vector256<byte>> vectors = MemoryMarshal.Cast<byte, Vector256<byte>>(values);
        foreach (ref Vector256<byte> vector in vectors)
        {
            Vector256<byte> carry = Vector256.LessThan(vector.AsSByte(), Vector256<sbyte>.Zero).AsByte();
            vector = (vector + vector) ^ (carry & Vector256.Create(Reduction));
        }

        foreach (ref byte value in values[(vectors.Length * Vector256<byte>.Count)..])
            value = Double(value);
    }

    /// <summary>Multiplies every byte by a constant: a product is the sum of the products of its two nibbles, each looked up.</summary>
    public static void Multiply(Span<byte> values, byte factor)
    {
        Span<byte> table = stackalloc byte[32];
        for (int nibble = 0; nibble < 16; nibble++)
        {
            table[nibble] = Multiply((byte)nibble, factor);
            table[16 + nibble] = Multiply((byte)(nibble << 4), factor);
        }

        Vector128<byte> low = Vector128.Create<byte>(table[..16]);
        Vector128<byte> high = Vector128.Create<byte>(table[16..]);
        Vector128<byte> mask = Vector128.Create((byte)0x0f);
        Span<Vector128<byte>> vectors = MemoryMarshal.Cast<byte, Vector128<byte>>(values);
        foreach (ref Vector128<byte> vector in vectors)
            vector = Vector128.Shuffle(low, vector & mask) ^ Vector128.Shuffle(high, (vector >>> 4) & mask);

        foreach (ref byte value in values[(vectors.Length * Vector128<byte>.Count)..])
            value = (byte)(table[value & 0x0f] ^ table[16 + (value >> 4)]);
    }

    public static Vector512<byte> Double(Vector512<byte> values)
    {
        Vector512<byte> carry = Vector512.LessThan(values.AsSByte(), Vector512<sbyte>.Zero).AsByte();
        return (values + values) ^ (carry & Vector512.Create(Reduction));
    }

    public static byte Double(byte value) => (byte)((value << 1) ^ ((value & 0x80) != 0 ? Reduction : 0));

    private static byte[] BuildPowers()
    {
        byte[] powers = new byte[Order];
        byte value = 1;
        for (int i = 0; i < Order; i++)
        {
            powers[i] = value;
            value = Double(value);
        }

        return powers;
    }

    private static byte[] BuildLogarithms()
    {
        byte[] logarithms = new byte[Order + 1];
        for (int i = 0; i < Order; i++)
            logarithms[s_powers[i]] = (byte)i;

        return logarithms;
    }
}
