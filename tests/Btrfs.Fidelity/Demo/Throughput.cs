using System.Diagnostics;
using Btrfs.Engine;
using Btrfs.Engine.Making;
using Btrfs.Space.Making;

namespace Btrfs.Fidelity.Demo;

/// <summary>Times a send of one large file and of many small ones, from an image in the host's page cache.</summary>
internal static class Throughput
{
    private const int LargeMegabytes = 256;
    private const int SmallFiles = 4000;
    private const int SmallBytes = 6000;

    public static void Show(string image)
    {
        ImageMaker.Make([image], new MakeOptions { DeviceBytes = 1UL << 30 });
        using BtrfsFileSystem fs = BtrfsFileSystem.Open([image], new BtrfsOpenOptions { Writable = true });
        Random random = new(1);
        byte[] piece = new byte[1 << 20];
        fs.CreateSubvolume("large");
        fs.CreateFile("large/file");
        for (int i = 0; i < LargeMegabytes; i++)
        {
            random.NextBytes(piece);
            fs.WriteFile("large/file", (ulong)i << 20, piece);
        }

        fs.CreateSubvolume("small");
        for (int i = 0; i < SmallFiles; i++)
        {
            fs.CreateFile($"small/file{i}");
            fs.WriteFile($"small/file{i}", 0, piece.AsSpan(i, SmallBytes));
        }

        foreach (string subvolume in (string[])["large", "small"])
        {
            fs.CreateSnapshot(subvolume, $"{subvolume}.sent", isReadOnly: true);
            Stopwatch watch = Stopwatch.StartNew();
            long bytes = fs.Send(new Engine.SendRequest { Subvolumes = [$"{subvolume}.sent"], Protocol = 2 }, System.IO.Stream.Null);
            double seconds = watch.Elapsed.TotalSeconds;
            string what = subvolume == "large" ? $"one file of {LargeMegabytes} MiB" : $"{SmallFiles:n0} files of {SmallBytes:n0} bytes";
            string rate = subvolume == "large" ? $"{bytes / seconds / (1 << 20):n0} MiB/s" : $"{SmallFiles / seconds:n0} files/s";
            Console.WriteLine($"A send of {what}: {bytes:n0} bytes in {seconds * 1000:n0} ms, {rate}, every sector verified against its checksum.");
        }
    }
}
