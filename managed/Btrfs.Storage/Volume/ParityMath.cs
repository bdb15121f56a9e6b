using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>Takes P and Q of a full stripe, both in one pass over the data: each vector of it is loaded once, the sums stay in registers.</summary>
internal static class ParityMath
{
    /// <param name="data">The data stripes, in order, each <paramref name="stride"/> bytes behind the one before.</param>
    /// <param name="count">How many they are.</param>
    /// <param name="stride">Bytes.</param>
    /// <param name="p">Out: their sum. As long as what is wanted of each stripe.</param>
    /// <param name="q">Out: the sum of g^i·D(i), as long as <paramref name="p"/>; empty where it is not wanted.</param>
    public static void Generate(ReadOnlySpan<byte> data, int count, int stride, Span<byte> p, Span<byte> q)
    {
        Invariant.That(count > 0 && (count - 1) * stride + p.Length <= data.Length && (q.IsEmpty || q.Length == p.Length));
        if (q.IsEmpty)
            Sum(data, count, stride, p);
        else
            SumBoth(data, count, stride, p, q);
    }

    private static void Sum(ReadOnlySpan<byte> data, int count, int stride, Span<byte> p)
    {
        data[..p.Length].CopyTo(p);
        for (int i = 1; i < count; i++)
            GaloisField.Add(p, data.Slice(i * stride, p.Length));
    }

    private static void SumBoth(ReadOnlySpan<byte> data, int count, int stride, Span<byte> p, Span<byte> q)
    {
        ref byte source = ref MemoryMarshal.GetReference(data);
        int at = 0;
        for (; at + Vector512<byte>.Count <= p.Length; at += Vector512<byte>.Count)
        {
            // Horner's rule, from the last data stripe down.
            Vector512<byte> sum = Vector512.LoadUnsafe(ref source, (nuint)((count - 1) * stride + at));
            Vector512<byte> weighted = sum;
            for (int i = count - 2; i >= 0; i--)
            {
                Vector512<byte> stripe = Vector512.LoadUnsafe(ref source, (nuint)(i * stride + at));
                sum ^= stripe;
                weighted = GaloisField.Double(weighted) ^ stripe;
            }

            sum.CopyTo(p[at..]);
            weighted.CopyTo(q[at..]);
        }

        for (; at < p.Length; at++)
        {
            byte sum = 0;
            byte weighted = 0;
            for (int i = count - 1; i >= 0; i--)
            {
                byte value = data[i * stride + at];
                sum ^= value;
                weighted = (byte)(GaloisField.Double(weighted) ^ value);
            }

            p[at] = sum;
            q[at] = weighted;
        }
    }
}
