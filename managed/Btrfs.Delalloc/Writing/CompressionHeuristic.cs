namespace Btrfs.Delalloc.Writing;

/// <summary>
/// Guesses from a sample whether bytes will shrink, at a small part of the cost of trying. It may be wrong either way: what it lets pass and does not shrink is stored plain,
/// what it holds back is stored plain as well.
/// </summary>
internal static class CompressionHeuristic
{
    private const int SampleBytes = 16;
    private const int SampleEvery = 256;

    /// <summary>Text and the like use few of the 256 values.</summary>
    private const int FewValues = 64;

    /// <summary>In percent of 8 bits a byte.</summary>
    private const double MaxEntropy = 0.80;

    public static bool MayShrink(ReadOnlySpan<byte> data)
    {
        Span<int> counts = stackalloc int[256];
        counts.Clear();
        int total = 0;
        bool repeats = data.Length >= 2 * SampleEvery;
        for (int at = 0; at < data.Length; at += SampleEvery)
        {
            ReadOnlySpan<byte> sample = data.Slice(at, Math.Min(SampleBytes, data.Length - at));

            // The second half of what repeats itself is its first.
            int twin = (at + (data.Length / 2)) % data.Length;
            repeats = repeats && twin + sample.Length <= data.Length && sample.SequenceEqual(data.Slice(twin, sample.Length));
            foreach (byte value in sample)
                counts[value]++;
            total += sample.Length;
        }

        return repeats || Values(counts) < FewValues || Entropy(counts, total) <= MaxEntropy;
    }

    private static int Values(ReadOnlySpan<int> counts)
    {
        int values = 0;
        foreach (int count in counts)
            values += count > 0 ? 1 : 0;
        return values;
    }

    private static double Entropy(ReadOnlySpan<int> counts, int total)
    {
        double bits = 0;
        foreach (int count in counts)
        {
            if (count > 0)
                bits -= count * Math.Log2((double)count / total);
        }

        return bits / total / 8;
    }
}
