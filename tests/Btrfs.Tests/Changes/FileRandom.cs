namespace Btrfs.Tests.Changes;

/// <summary>The choices of the models that change files at random: offsets and sizes at borders as well as between, content of which half compresses.</summary>
internal sealed class FileRandom(int seed) : Random(seed)
{
    public int Offset() => Next(4) switch { 0 => 0, 1 => Next(3000), 2 => 4096 * Next(60), _ => Next(250_000) };

    public int Size(int maxSize) => Next(3) switch { 0 => Next(3000), 1 => 4096 * Next(60), _ => Next(maxSize) };

    /// <summary>What a write writes.</summary>
    public byte[] Bytes() => Bytes(Next(4) switch { 0 => Next(1, 200), 1 => Next(1, 5000), 2 => 4096 * Next(1, 40), _ => Next(1, 200_000) });

    public byte[] Bytes(int length)
    {
        byte[] data = new byte[length];
        if (Next(2) == 0)
            NextBytes(data);
        else
            data.AsSpan().Fill((byte)Next(256));
        return data;
    }
}
