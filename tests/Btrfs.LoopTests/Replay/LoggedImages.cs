using System.Buffers.Binary;
using Btrfs.Fidelity.Generator;
using Btrfs.Fidelity.Kernel;

namespace Btrfs.LoopTests.Replay;

/// <summary>
/// Copies of one image as a power cut would leave it: taken right after an fsync, while it is mounted. All that fsync waited for is in the file by then, and what
/// the kernel may be writing beside it belongs to nobody yet.
/// </summary>
internal static class LoggedImages
{
    private const int SuperblockOffset = 64 * 1024;
    private const int SuperblockSize = 4096;
    private const int LogRootOffset = 96;
    private const int ChangesBetween = 25;

    private static readonly string[] s_formats =
        ["", "", "-O ^no-holes", "-n 4096", "-n 4096 -O ^no-holes", "--mixed -n 4096", "--csum xxhash", "-O ^extref,^skinny-metadata", "-n 65536 --csum sha256"];

    private static readonly string[] s_mounts =
        ["", "", "compress-force=zstd", "compress=lzo", "nodatacow", "nodatasum", "max_inline=0", "flushoncommit", "compress-force=zlib"];

    /// <summary>Makes a file system and copies of it that have a log; their paths, and what the file system is.</summary>
    public static (List<string> Copies, string What) Make(ulong seed, string directory)
    {
        SeededRandom random = new(seed);
        string format = random.Pick(s_formats);
        string options = random.Pick(s_mounts);
        int subvolumes = random.Below(3);
        string image = Path.Combine(directory, "image");
        string mountPoint = Path.Combine(directory, "mount");
        Directory.CreateDirectory(mountPoint);
        using (FileStream file = File.Create(image))
            file.SetLength(256L << 20);
        Tool.Run("mkfs.btrfs", ["-q", "-f", .. format.Split(' ', StringSplitOptions.RemoveEmptyEntries), image]);

        List<string> copies = [];
        using (BtrfsMount mount = BtrfsMount.Open([image], mountPoint, $"noatime,commit=600{(options.Length > 0 ? "," : "")}{options}"))
        {
            FsyncWorkload workload = new(random, mount.Root, subvolumes);
            workload.Change(random.Between(5, 150));
            workload.Commit();
            int rounds = random.Between(4, 14);
            for (int round = 0; round < rounds || copies.Count == 0 && round < 40; round++)
            {
                workload.Change(random.Between(1, ChangesBetween));
                if (random.Percent(12))
                    workload.Commit();
                for (int i = random.Below(3); i >= 0; i--)
                    workload.Fsync();
                if (random.Percent(35) && HasLog(image))
                    Copy(image, copies, directory);
            }
        }

        File.Delete(image);
        return (copies, $"mkfs '{format}', mount '{options}', {subvolumes} subvolumes");
    }

    public static bool HasLog(string image) => BinaryPrimitives.ReadUInt64LittleEndian(SuperblockOf(image).AsSpan(LogRootOffset)) != 0;

    // The kernel may commit in the midst of a copy, which is then of no one moment.
    private static void Copy(string image, List<string> copies, string directory)
    {
        string copy = Path.Combine(directory, $"copy{copies.Count}");
        byte[] before = SuperblockOf(image);
        SparseFile.Copy(image, copy);
        if (before.AsSpan().SequenceEqual(SuperblockOf(image)))
            copies.Add(copy);
    }

    private static byte[] SuperblockOf(string image)
    {
        using FileStream file = File.OpenRead(image);
        byte[] superblock = new byte[SuperblockSize];
        RandomAccess.Read(file.SafeFileHandle, superblock, SuperblockOffset);
        return superblock;
    }
}
