namespace Btrfs.Fidelity.Generator;

/// <summary>File contents: zeros, repetitions, something like text, noise, or a patchwork of them in steps of a block.</summary>
internal sealed class ContentSource(SeededRandom random)
{
    private const int BlockSize = 4096;

    private static readonly byte[] s_words = "the tree of names grows down and the leaf of items grows up until they meet "u8.ToArray();

    /// <summary>Fills a buffer with one kind of content, or a mixture.</summary>
    public byte[] Next(int length)
    {
        byte[] data = new byte[length];
        if (length > 2 * BlockSize && random.Percent(35))
        {
            for (int start = 0; start < length; start += BlockSize)
                FillOneKind(data.AsSpan(start, Math.Min(BlockSize, length - start)));
        }
        else
        {
            FillOneKind(data);
        }

        return data;
    }

    private void FillOneKind(Span<byte> data)
    {
        switch (random.Below(6))
        {
            case 0:
                data.Clear();
                break;
            case 1:
                data.Fill((byte)random.Below(256));
                break;
            case 2:
                Repeat(data, random.Bytes(random.Between(2, 40)));
                break;
            case 3:
                Repeat(data, s_words.AsSpan(random.Below(s_words.Length / 2)));
                break;
            default:
                random.Fill(data);
                break;
        }
    }

    private static void Repeat(Span<byte> data, ReadOnlySpan<byte> pattern)
    {
        while (data.Length > pattern.Length)
        {
            pattern.CopyTo(data);
            data = data[pattern.Length..];
        }

        pattern[..data.Length].CopyTo(data);
    }
}
