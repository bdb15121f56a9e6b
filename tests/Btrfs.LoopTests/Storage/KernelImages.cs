using System.Diagnostics;

namespace Btrfs.LoopTests.Storage;

/// <summary>
/// Image files of one file system that mkfs.btrfs and the running kernel made, in a directory of their own that goes with it. The kernel's own view of
/// the files is kept beside them.
/// </summary>
internal sealed class KernelImages : IDisposable
{
    private KernelImages(string directory, int devices)
    {
        Directory = directory;
        Images = [.. Enumerable.Range(1, devices).Select(i => Path.Combine(directory, $"disk{i}.img"))];
    }

    /// <summary>The names of the files that every image has.</summary>
    public static IReadOnlyList<string> Files { get; } = ["data", "nocow", "text", "sparse", "later"];

    public string Directory { get; }

    /// <summary>One for each device, in the order of their ids.</summary>
    public IReadOnlyList<string> Images { get; }

    /// <summary>Makes a file system and files in it, and unmounts it.</summary>
    /// <param name="mkfs">Options of mkfs.btrfs.</param>
    /// <param name="devices">How many devices.</param>
    /// <param name="mountOptions">For the kernel.</param>
    /// <param name="sizeMegabytes">Of each device.</param>
    public static KernelImages Make(string mkfs, int devices = 1, string mountOptions = "defaults", int sizeMegabytes = 320)
    {
        KernelImages made = Prepare(devices, sizeMegabytes);
        try
        {
            made.Run($"mkfs.btrfs -q -f {mkfs} {string.Join(' ', made.Images)}");
            made.Mounted(mountOptions, MakeFiles);
            return made;
        }
        catch
        {
            made.Dispose();
            throw;
        }
    }

    /// <summary>Empty images, for whatever makes a file system on them.</summary>
    public static KernelImages Prepare(int devices, long sizeMegabytes)
    {
        string? missing = Missing();
        if (missing is not null)
            Assert.Ignore(missing);

        KernelImages made = new(System.IO.Directory.CreateTempSubdirectory("btrfs-storage-").FullName, devices);
        foreach (string image in made.Images)
        {
            using FileStream file = File.Create(image);
            file.SetLength(sizeMegabytes << 20);
        }

        return made;
    }

    /// <summary>What the kernel read of a file of the file system.</summary>
    public byte[] KernelFile(string name) => File.ReadAllBytes(Path.Combine(Directory, "files", name));

    /// <summary>Runs commands in the directory with the file system mounted at <c>mnt</c> and its devices in <c>$loops</c>; unmounts whatever comes.</summary>
    public string Mounted(string mountOptions, string commands) => Run(MountScript(mountOptions, commands));

    /// <summary>Runs commands in the directory with the devices in <c>$loops</c>, not mounted.</summary>
    public string Attached(string commands) => Run(AttachScript(commands));

    /// <summary>Runs <paramref name="action"/> with the paths of the loop devices while the file system is mounted at <c>mnt</c>.</summary>
    public void WhileMounted(Action<string[]> action)
    {
        using Process process = Start(MountScript("defaults", "echo \"${loops[@]}\"; read -r"));
        string? loops = process.StandardOutput.ReadLine();
        try
        {
            if (loops is not null)
                action(loops.Split(' '));
        }
        finally
        {
            process.StandardInput.WriteLine();
            process.WaitForExit();
        }

        Assert.That(process.ExitCode, Is.Zero, process.StandardError.ReadToEnd());
    }

    /// <summary>A copy of an image that a test may destroy.</summary>
    public string Copy(string image)
    {
        string copy = $"{image}.{Guid.NewGuid():n}";
        Run($"cp --sparse=always {image} {copy}");
        return copy;
    }

    /// <summary>A copy that has other bytes than the image wherever that is not zero, but for the primary superblock.</summary>
    public string OverwrittenCopy(string image)
    {
        const int firstMegabyte = 1 << 20;
        string copy = Copy(image);
        using FileStream file = new(copy, FileMode.Open, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        byte[] block = new byte[65536];
        for (long offset = firstMegabyte; offset < file.Length; offset += block.Length)
        {
            file.Position = offset;
            file.ReadExactly(block);
            if (!block.AsSpan().ContainsAnyExcept((byte)0))
                continue;

            for (int i = 0; i < block.Length; i++)
                block[i] ^= 0xff;
            file.Position = offset;
            file.Write(block);
        }

        return copy;
    }

    /// <summary>Runs a script in the directory and returns what it printed; fails the test if it fails.</summary>
    public string Run(string script)
    {
        using Process process = Start(script);
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero, $"{script}\n{output}{errors.Result}");
        return output;
    }

    public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);

    // Contents that differ in every sector; a file without checksums; holes and a tail that is no sector; something to compress.
    private const string MakeFiles =
        """
        head -c 5000000 /dev/urandom > mnt/data
        touch mnt/nocow
        chattr +C mnt/nocow
        head -c 700000 /dev/urandom >> mnt/nocow
        seq 1 60000 > mnt/text
        truncate -s 1M mnt/sparse
        head -c 10000 /dev/urandom | dd of=mnt/sparse bs=4096 seek=77 conv=notrunc status=none
        sync -f mnt
        seq 1 60000 | sed s/^/x/ > mnt/later
        sync -f mnt
        cp mnt/data mnt/nocow mnt/text mnt/sparse mnt/later files/
        """;

    private Process Start(string script)
    {
        ProcessStartInfo start = new("bash", ["-euo", "pipefail", "-c", script])
        {
            WorkingDirectory = Directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["LC_ALL"] = "C";
        return Process.Start(start)!;
    }

    private string MountScript(string mountOptions, string commands) => AttachScript(
        $$"""
        options="{{mountOptions}}"
        for loop in "${loops[@]}"; do
            options="$options,device=$loop"
        done
        mount -t btrfs -o "$options" "${loops[0]}" mnt
        {{commands}}
        """);

    private string AttachScript(string commands) =>
        $$"""
        mkdir -p mnt files
        loops=()
        cleanup() {
            mountpoint -q mnt && umount mnt
            for loop in "${loops[@]}"; do
                btrfs device scan --forget "$loop" 2>/dev/null || true
                losetup -d "$loop"
            done
        }
        trap cleanup EXIT
        for image in {{string.Join(' ', Images)}}; do
            loops+=("$(losetup -f --show "$image")")
        done
        {{commands}}
        """;

    private static string? Missing()
    {
        if (Environment.UserName != "root")
            return "needs root, to mount";
        if (!File.ReadAllText("/proc/filesystems").Contains("btrfs", StringComparison.Ordinal))
            return "the running kernel has no btrfs";
        if (!File.Exists("/dev/loop-control"))
            return "the running kernel has no loop devices";
        if (!File.Exists("/usr/sbin/mkfs.btrfs") && !File.Exists("/sbin/mkfs.btrfs") && !File.Exists("/usr/bin/mkfs.btrfs"))
            return "mkfs.btrfs is not installed";

        return null;
    }
}
