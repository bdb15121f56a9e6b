using Btrfs.Fuzz.Images;

namespace Btrfs.Fuzz.Mutations;

/// <summary>Numbers that break programs: limits, neighbours, and what is right in another place of the same image.</summary>
internal static class Values
{
    private static readonly ulong[] s_limits =
    [
        0, 1, 2, 3, 7, 8, 9, 255, 256, 257, 4095, 4096, 4097, 8192, 16384, 65535, 65536, 131072, 1 << 20, int.MaxValue, 1UL << 31, uint.MaxValue, 1UL << 32,
        1UL << 40, 1UL << 48, long.MaxValue, 1UL << 63, ulong.MaxValue - 4095, ulong.MaxValue - 255, ulong.MaxValue - 7, ulong.MaxValue,
    ];

    public static ulong Pick(ImageEdit edit, ulong old)
    {
        Random random = edit.Random;
        ulong sector = (ulong)edit.Image.Context.SectorSize;
        return random.Next(10) switch
        {
            0 or 1 => s_limits[random.Next(s_limits.Length)],
            2 => old + 1,
            3 => old - 1,
            4 => old + sector * (ulong)random.Next(1, 40),
            5 => old - sector * (ulong)random.Next(1, 40),
            6 => old ^ 1UL << random.Next(64),
            7 => One(random, edit.Image.Blocks).Logical,
            8 => One(random, edit.Image.Items).Key.ObjectId,
            _ => One(random, edit.Image.Items).Key.Offset,
        };
    }

    public static T One<T>(Random random, IReadOnlyList<T> list) => list[random.Next(list.Count)];

    /// <summary>An item, each type as likely as any other: there are many more inodes than roots.</summary>
    public static ItemPlace AnyItem(ImageEdit edit) =>
        One(edit.Random, edit.Image.ItemsByType[One(edit.Random, [.. edit.Image.ItemsByType.Keys])]);
}
