namespace Btrfs.Fidelity.Generator;

/// <summary>SplitMix64: the same numbers from the same seed on every runtime, which System.Random does not promise.</summary>
internal sealed class SeededRandom(ulong seed)
{
    // Scattered first: the states of neighbouring seeds would otherwise be steps of one and the same sequence.
    private ulong _state = Scatter(seed ^ 0xB5AD4ECEDA1CE2A9);

    public ulong NextULong()
    {
        _state += 0x9E3779B97F4A7C15;
        return Scatter(_state);
    }

    private static ulong Scatter(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }

    /// <summary>A number from 0 to <paramref name="limit"/> - 1.</summary>
    public int Below(int limit) => (int)(NextULong() % (uint)limit);

    /// <summary>A number from <paramref name="low"/> to <paramref name="high"/>, both included.</summary>
    public int Between(int low, int high) => low + Below(high - low + 1);

    public long Between(long low, long high) => low + (long)(NextULong() % (ulong)(high - low + 1));

    public bool Percent(int chance) => Below(100) < chance;

    public T Pick<T>(IReadOnlyList<T> items) => items[Below(items.Count)];

    public byte[] Bytes(int count)
    {
        byte[] bytes = new byte[count];
        Fill(bytes);
        return bytes;
    }

    public void Fill(Span<byte> bytes)
    {
        while (bytes.Length >= 8)
        {
            BitConverter.TryWriteBytes(bytes, NextULong());
            bytes = bytes[8..];
        }

        ulong last = NextULong();
        for (int i = 0; i < bytes.Length; i++)
            bytes[i] = (byte)(last >> (8 * i));
    }
}
