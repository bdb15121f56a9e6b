using System.Text;

namespace Btrfs.Fidelity.Generator;

/// <summary>
/// Names for directory entries. Most come from a small pool, because bugs live where names are reused; the rest are the
/// awkward ones: 255 bytes, not UTF-8, of equal CRC-32C (they share one directory item), or posing as a send orphan.
/// </summary>
internal sealed class NameSource(SeededRandom random, int poolSize)
{
    private const int LongestName = 255;

    // Flipping these bits adds a multiple of the CRC-32C polynomial, so the checksum of a name does not notice.
    private static readonly byte[] s_crcNeutral = [0xF1, 0x76, 0xEC, 0x05, 0x01];

    public byte[] Next(Node directory)
    {
        int choice = random.Below(100);
        return choice switch
        {
            < 78 => Pooled(),
            < 84 when directory.Children.Count > 0 => Colliding(random.Pick(directory.Children).Name),
            < 86 => Long(),
            < 90 => Raw(random.Between(1, 12)),
            < 92 => Encoding.UTF8.GetBytes("ünï-" + (char)('α' + random.Below(20)) + "-\u6f22"),
            < 94 => Encoding.ASCII.GetBytes($"o{random.Between(256, 300)}-{random.Between(5, 30)}-{random.Below(2)}"),
            _ => Encoding.ASCII.GetBytes($"n{random.Below(100000)}"),
        };
    }

    public byte[] Pooled() => Encoding.ASCII.GetBytes(((char)('a' + random.Below(26) % poolSize)).ToString());

    public byte[] Long() => Filled(LongestName);

    public byte[] Filled(int length)
    {
        byte[] name = new byte[length];
        name.AsSpan().Fill((byte)('A' + random.Below(26)));
        Encoding.ASCII.GetBytes($"{random.Below(10)}", name);
        return name;
    }

    /// <summary>Another name with the same CRC-32C; falls back to a pooled one where the bits would make a slash or NUL.</summary>
    public byte[] Colliding(byte[] name)
    {
        if (name.Length < s_crcNeutral.Length)
            name = [.. name, .. "-pair"u8];
        byte[] other = [.. name];
        int start = random.Between(0, name.Length - s_crcNeutral.Length);
        for (int i = 0; i < s_crcNeutral.Length; i++)
            other[start + i] ^= s_crcNeutral[i];
        return IsLegal(other) ? other : name;
    }

    private byte[] Raw(int length)
    {
        byte[] name = random.Bytes(length);
        for (int i = 0; i < length; i++)
        {
            if (name[i] is 0 or (byte)'/')
                name[i] = 0xFF;
        }

        return IsLegal(name) ? name : Pooled();
    }

    private static bool IsLegal(byte[] name) =>
        name.AsSpan().IndexOfAny((byte)0, (byte)'/') < 0 && !name.AsSpan().SequenceEqual("."u8) && !name.AsSpan().SequenceEqual(".."u8);
}
