using System.Security.Cryptography;
using System.Text;
using Btrfs.Fidelity.Kernel;

namespace Btrfs.Benchmarks.Macro;

/// <summary>A file system that the kernel makes for a measurement.</summary>
/// <param name="Name">What its image is called.</param>
/// <param name="Title">What is in it, for a table.</param>
/// <param name="ImageBytes">The size of the image.</param>
/// <param name="Fill">Makes the content below the top directory that it is given.</param>
/// <param name="MountOptions">What it is mounted with for that.</param>
internal sealed record Workload(string Name, string Title, long ImageBytes, Action<int> Fill, string MountOptions = "nobarrier,noatime")
{
    public static Workload Big { get; } = new("big", "one 2 GiB file of random data", 4L << 30, FillBig);

    public static Workload Small { get; } = new("small", "100,000 files of 4 KiB", 4L << 30, FillSmall);

    public static Workload Incremental { get; } = new("incremental", "0.1 % of 500,000 inodes changed", 4L << 30, FillIncremental);

    public static Workload Reflinks { get; } = new("reflinks", "20,000 files reflinked from 200", 4L << 30, FillReflinks);

    public static Workload References { get; } = new("references", "one extent with 10,000 references", 4L << 30, FillReferences);

    public static Workload Compressed { get; } = new("zstd", "4 GiB of zstd-compressed data", 6L << 30, root => FillCompressed(root, 32), ZstdOptions);

    /// <summary>A quarter of it, for a receive.</summary>
    public static Workload LessCompressed { get; } = new("compressed", "1 GiB of zstd-compressed data", 4L << 30, root => FillCompressed(root, 8), ZstdOptions);

    public static Workload Tiny { get; } = new("tiny", "one file of 4 KiB", 256L << 20, FillTiny);

    private const string ZstdOptions = "nobarrier,noatime,compress-force=zstd";

    private const int FilesPerDirectory = 1000;

    private static void FillTiny(int root)
    {
        using Descriptor directory = Subvolume(root);
        using Descriptor file = Create(directory, "file");
        Check(Syscall.Write(file.Value, new byte[4096], 0));
        Snapshot(root, "snap");
    }

    private static void FillBig(int root)
    {
        using Descriptor directory = Subvolume(root);
        using Descriptor file = Create(directory, "big");
        byte[] data = new byte[8 << 20];
        Random random = new(1);
        for (long offset = 0; offset < 2L << 30; offset += data.Length)
        {
            random.NextBytes(data);
            Check(Syscall.Write(file.Value, data, offset));
        }

        Snapshot(root, "snap");
    }

    // Half of each block is random: it compresses to a bit more than half.
    private static void FillCompressed(int root, int files)
    {
        using Descriptor directory = Subvolume(root);
        byte[] data = new byte[8 << 20];
        Random random = new(5);
        for (int number = 0; number < files; number++)
        {
            using Descriptor file = Create(directory, $"file{number}");
            for (long offset = 0; offset < 128L << 20; offset += data.Length)
            {
                for (int block = 0; block < data.Length; block += 4096)
                    random.NextBytes(data.AsSpan(block, 2048));
                Check(Syscall.Write(file.Value, data, offset));
            }
        }

        Snapshot(root, "snap");
    }

    private static void FillSmall(int root)
    {
        using Descriptor directory = Subvolume(root);
        byte[] data = new byte[4096];
        Random random = new(2);
        ForEachFile(directory, 100_000, (parent, name, _) =>
        {
            random.NextBytes(data);
            using Descriptor file = Create(parent, name);
            Check(Syscall.Write(file.Value, data, 0));
        });
        Snapshot(root, "snap");
    }

    private static void FillIncremental(int root)
    {
        using Descriptor directory = Subvolume(root);
        byte[] data = new byte[16];
        ForEachFile(directory, 500_000, (parent, name, index) =>
        {
            BitConverter.TryWriteBytes(data, index);
            using Descriptor file = Create(parent, name);
            Check(Syscall.Write(file.Value, data, 0));
        });
        Snapshot(root, "before");

        // One in a thousand, spread evenly: each change dirties another leaf.
        for (int index = 0; index < 500_000; index += 1000)
        {
            string path = $"d{index / FilesPerDirectory}/f{index % FilesPerDirectory}";
            using Descriptor file = new(Check(Syscall.Open(directory.Value, Encoding.UTF8.GetBytes(path), Syscall.OpenReadWrite)));
            RandomNumberGenerator.Fill(data);
            Check(Syscall.Write(file.Value, data, 0));
        }

        Snapshot(root, "after");
    }

    private static void FillReflinks(int root)
    {
        using Descriptor directory = Subvolume(root);
        byte[] data = new byte[64 << 10];
        Random random = new(4);
        using Descriptor sources = MakeDirectory(directory, "sources");
        Descriptor[] files = new Descriptor[200];
        for (int i = 0; i < files.Length; i++)
        {
            random.NextBytes(data);
            files[i] = Create(sources, $"s{i}");
            Check(Syscall.Write(files[i].Value, data, 0));
        }

        Check(Syscall.SyncFileSystem(root));
        ForEachFile(directory, 20_000, (parent, name, index) =>
        {
            using Descriptor file = Create(parent, name);
            Check(FileIoctl.Clone(file.Value, files[index % files.Length].Value));
        });
        foreach (Descriptor file in files)
            file.Dispose();
        Snapshot(root, "snap");
    }

    // More than the kernel's limit of references to look at: all data goes out as data.
    private static void FillReferences(int root)
    {
        using Descriptor directory = Subvolume(root);
        byte[] data = new byte[64 << 10];
        new Random(5).NextBytes(data);
        using Descriptor source = Create(directory, "source");
        Check(Syscall.Write(source.Value, data, 0));
        Check(Syscall.SyncFileSystem(root));
        ForEachFile(directory, 10_000, (parent, name, _) =>
        {
            using Descriptor file = Create(parent, name);
            Check(FileIoctl.Clone(file.Value, source.Value));
        });
        Snapshot(root, "snap");
    }

    private static void ForEachFile(Descriptor directory, int count, Action<Descriptor, string, int> make)
    {
        for (int first = 0; first < count; first += FilesPerDirectory)
        {
            using Descriptor parent = MakeDirectory(directory, $"d{first / FilesPerDirectory}");
            for (int i = 0; i < FilesPerDirectory; i++)
                make(parent, $"f{i}", first + i);
        }
    }

    private static Descriptor Subvolume(int root)
    {
        Check(BtrfsIoctl.CreateSubvolume(root, "work"u8));
        return new Descriptor(Check(Syscall.Open(root, "work"u8, Syscall.OpenDirectory)));
    }

    private static void Snapshot(int root, string name)
    {
        using Descriptor source = new(Check(Syscall.Open(root, "work"u8, Syscall.OpenDirectory)));
        Check(Syscall.SyncFileSystem(root));
        Check(BtrfsIoctl.CreateSnapshot(source.Value, root, Encoding.UTF8.GetBytes(name), readOnly: true));
        Check(Syscall.SyncFileSystem(root));
    }

    private static Descriptor MakeDirectory(Descriptor parent, string name)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        Check(Syscall.Mkdir(parent.Value, bytes, 0x1ED));
        return new Descriptor(Check(Syscall.Open(parent.Value, bytes, Syscall.OpenDirectory)));
    }

    private static Descriptor Create(Descriptor parent, string name) =>
        new(Check(Syscall.Open(parent.Value, Encoding.UTF8.GetBytes(name), Syscall.OpenReadWrite | Syscall.OpenCreate, 0x1A4)));

    private static int Check(int result) =>
        result >= 0 ? result : throw new IOException($"the kernel refuses with errno {-result}");
}
