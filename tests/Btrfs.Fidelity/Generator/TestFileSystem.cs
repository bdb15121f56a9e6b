using System.Text;
using Btrfs.Fidelity.Kernel;

namespace Btrfs.Fidelity.Generator;

/// <summary>The images of a state and their mount: made, mounted, remounted, copied while frozen, let go.</summary>
internal sealed class TestFileSystem(StateOptions options, string directory, SeededRandom random, OperationLog log) : IDisposable
{
    private readonly string _mountPoint = Path.Combine(directory, "mount");
    private BtrfsMount? _mount;

    /// <summary>The image files, one a device.</summary>
    public List<string> Images { get; private set; } =
        [.. Enumerable.Range(0, options.DeviceCount).Select(number => Path.Combine(directory, $"device-{number}.img"))];

    public bool IsMounted => _mount is not null;

    /// <summary>The top-level directory, open.</summary>
    public int TopLevel => _mount!.Root;

    public void Make()
    {
        Directory.CreateDirectory(_mountPoint);
        foreach (string image in Images)
        {
            using FileStream file = File.Create(image);
            file.SetLength(options.DeviceSizeBytes);
        }

        Tool.Run("mkfs.btrfs", ["-q", "-f", "-K", .. options.MkfsArguments, .. Images]);
        if (options.HasOwnMetadataUuid)
            Tool.Run("btrfstune", "-m", Images[0]);
        _mount = BtrfsMount.Open(Images, _mountPoint, options.MountOptions);
        if (options.Quota != Quota.None)
            log.Call("enable quota", BtrfsIoctl.EnableQuota(TopLevel, options.Quota == Quota.Simple));
    }

    /// <summary>Mounts anew, often with other options. Nothing of the file system may be open.</summary>
    public void Remount()
    {
        Dispose();
        // This btrfstune does not know simple quotas.
        if (options.CanGetNoHoles && options.Quota != Quota.Simple && random.Percent(30))
        {
            Tool.Run("btrfstune", "-n", Images[0]);
            log.Coverage.Count("state: no-holes switched on later");
        }

        string mountOptions = random.Percent(50) ? options.MountOptions : StateOptions.ChooseMountOptions(random);
        log.Note($"remount -o {mountOptions}");
        log.Coverage.Count("state: remounted");
        _mount = BtrfsMount.Open(Images, _mountPoint, mountOptions);
    }

    /// <summary>Replaces the images by copies of what they hold now, with everything committed.</summary>
    public void CopyImagesWhileFrozen()
    {
        KernelException.Check(FileIoctl.Freeze(TopLevel), "freeze the file system");
        try
        {
            List<string> copies = [.. Images.Select(image => image + ".frozen")];
            foreach ((string image, string copy) in Images.Zip(copies))
                SparseFile.Copy(image, copy);
            Images = copies;
        }
        finally
        {
            FileIoctl.Thaw(TopLevel);
        }
    }

    /// <summary>Opens a subvolume or directory by its path from the top level.</summary>
    public Descriptor Open(string path) =>
        new(KernelException.Check(Syscall.Open(TopLevel, Encoding.ASCII.GetBytes(path), Syscall.OpenReadOnly | Syscall.OpenDirectory), $"open {path}"));

    public bool Snapshot(int source, string path, bool readOnly)
    {
        using Descriptor parent = OpenParent(path);
        int result = BtrfsIoctl.CreateSnapshot(source, parent.Value, LastName(path), readOnly);
        log.Call($"subvolume snapshot {(readOnly ? "-r " : "")}{path}", result);
        if (result == -Errno.ReadOnlyFileSystem)
            throw new KernelException("the kernel gave the file system up, see dmesg", Errno.ReadOnlyFileSystem);
        return result >= 0;
    }

    public bool RemoveSubvolume(string path)
    {
        using Descriptor parent = OpenParent(path);
        int result = BtrfsIoctl.DestroySubvolume(parent.Value, LastName(path));
        log.Call($"subvolume delete {path}", result);
        return result >= 0;
    }

    /// <summary>Unmounts; the images then hold the last commit.</summary>
    public void Dispose()
    {
        _mount?.Dispose();
        _mount = null;
    }

    private static byte[] LastName(string path) => Encoding.ASCII.GetBytes(Path.GetFileName(path));

    private Descriptor OpenParent(string path) => Open(Path.GetDirectoryName(path) is { Length: > 0 } parent ? parent : ".");
}
