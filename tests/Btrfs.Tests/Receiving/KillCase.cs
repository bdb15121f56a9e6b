using Btrfs.Engine;
using Btrfs.Engine.Making;
using Btrfs.Format;
using Btrfs.Fuzz.Streams;
using Btrfs.Space.Making;
using Btrfs.Storage;
using Btrfs.Stream;

namespace Btrfs.Tests.Receiving;

/// <summary>A stream to be received by processes that are killed, onto an image that may hold something already.</summary>
/// <param name="Name">For the tester.</param>
/// <param name="Stream">It makes the subvolume <see cref="Subvolume"/>.</param>
/// <param name="Options">How the image is made.</param>
/// <param name="Base">What the image has received before; null for nothing.</param>
internal sealed record KillCase(string Name, byte[] Stream, MakeOptions Options, byte[]? Base = null)
{
    public const string Subvolume = "s";

    private const ulong ImageBytes = 256 << 20;
    private const int DataBytes = 100_000;
    private const int Files = 1500;
    private const uint Zstd = 2;

    private static readonly Uuid s_second = Uuid.Parse("11111111-2222-3333-4444-555555555556");
    private static readonly MakeOptions s_usual = new() { DeviceBytes = ImageBytes };

    public static IReadOnlyList<KillCase> All() =>
    [
        new("small files", SmallFiles(), s_usual),
        new("small files in small nodes", SmallFiles(), s_usual with { NodeSize = 4096 }),
        new("data and clones", DataAndClones(), s_usual),
        new("compressed", Compressed(), s_usual),
        new("difference", Difference(), s_usual, SmallFiles("base")),
    ];

    public override string ToString() => Name;

    public void MakeImage(string path)
    {
        File.Delete(path);
        ImageMaker.Make([path], Options);
        if (Base is null)
            return;
        using BtrfsFileSystem fs = BtrfsFileSystem.Open([path], new BtrfsOpenOptions { Writable = true });
        using MemoryStream input = new(Base, writable: false);
        fs.Receive(input, "");
    }

    // Names that come and go, too.
    private static byte[] SmallFiles(string name = Subvolume)
    {
        StreamScript script = new StreamScript().Subvol(name);
        byte[] data = Data(3);
        for (int number = 0; number < Files; number++)
        {
            if (number % 100 == 0)
                script.Mkdir($"o{number}").Rename($"o{number}", $"d{number / 100}");
            string path = $"d{number / 100}/f{number}";
            script.Mkfile("o").Rename("o", path).Write(path, 0, data.AsSpan(number % 1000, 5000)).Chown(path, 1, 2)
                .Number(CommandType.Chmod, path, AttributeType.Mode, 0x1A4).Utimes(path, number);
            if (number % 7 == 0)
                script.Link(path + "x", path).Unlink(path).Rename(path + "x", path);
        }

        return script.End();
    }

    private static byte[] DataAndClones()
    {
        StreamScript script = new StreamScript().Subvol(Subvolume);
        byte[] data = Data(4);
        for (int file = 0; file < 8; file++)
        {
            script.Mkfile($"large{file}");
            for (int piece = 0; piece < 80; piece++)
                script.Write($"large{file}", (ulong)(piece * DataBytes), data);
            for (int clone = 0; clone < 20; clone++)
                script.Mkfile($"clone{file}-{clone}").Clone($"clone{file}-{clone}", 0, 4_096_000, StreamScript.Sender, $"large{file}", (ulong)clone * 4096);
            script.Fallocate($"large{file}", 3, 8192, 1 << 20).Number(CommandType.Truncate, $"large{file}", AttributeType.Size, 7_000_001);
        }

        return script.End();
    }

    private static byte[] Compressed()
    {
        StreamScript script = new StreamScript().Subvol(Subvolume);
        byte[] content = new byte[FormatLimits.MaxCompressedExtent];
        byte[] encoded = new byte[content.Length];
        for (int sector = 0; sector < content.Length; sector += 4096)
            new Random(sector).NextBytes(content.AsSpan(sector, 2048));
        Invariant.That(ExtentCodec.Compress(CompressionType.Zstd, 0, content, encoded, 4096, out int length));
        for (int file = 0; file < 60; file++)
        {
            script.Mkfile($"f{file}");
            for (int extent = 0; extent < 2 * (file % 12); extent++)
                script.Encoded($"f{file}", (ulong)(extent * content.Length), (ulong)content.Length, (ulong)content.Length, 0, Zstd, encoded.AsSpan(0, length));
            script.Utimes($"f{file}", file);
        }

        return script.End();
    }

    // Everything that the base has is changed, moved or removed.
    private static byte[] Difference()
    {
        StreamScript script = new StreamScript().Snapshot(Subvolume, s_second, 9, StreamScript.Sender, 7);
        byte[] data = Data(5);
        for (int number = 0; number < Files; number++)
        {
            string path = $"d{number / 100}/f{number}";
            if (number % 100 == 0)
                script.Mkdir($"n{number / 100}").Rename($"n{number / 100}", $"d{number / 100}/n");
            _ = (number % 5) switch
            {
                0 => script.Unlink(path),
                1 => script.Write(path, 3000, data.AsSpan(number, 4000)).Utimes(path, number + 1),
                2 => script.Rename(path, $"d{number / 100}/n/f{number}").Xattr($"d{number / 100}/n/f{number}", "user.a", "1"),
                3 => script.Number(CommandType.Truncate, path, AttributeType.Size, 1000).Link(path + "x", path),
                _ => script.Clone(path, 4096, 4096, StreamScript.Sender, path, 0),
            };
        }

        return script.End();
    }

    private static byte[] Data(int seed)
    {
        byte[] data = new byte[DataBytes];
        new Random(seed).NextBytes(data);
        return data;
    }
}
