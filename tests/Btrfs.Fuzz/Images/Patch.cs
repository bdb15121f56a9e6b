namespace Btrfs.Fuzz.Images;

/// <summary>Bytes to put at a physical offset of an image.</summary>
internal readonly record struct Patch(long Offset, byte[] Bytes)
{
    /// <summary>Runs of equal bytes up to this length don't end a patch.</summary>
    private const int MaxGap = 8;

    /// <summary>The least patches that turn one range of bytes into another of the same length.</summary>
    public static IEnumerable<Patch> Between(byte[] before, byte[] after, long offset)
    {
        int at = 0;
        while (true)
        {
            int equal = before.AsSpan(at).CommonPrefixLength(after.AsSpan(at));
            int start = at + equal;
            if (start == before.Length)
                yield break;

            int end = start;
            for (int i = start; i < before.Length && i <= end + MaxGap; i++)
            {
                if (before[i] != after[i])
                    end = i;
            }

            at = end + 1;
            yield return new Patch(offset + start, after[start..at]);
        }
    }
}
