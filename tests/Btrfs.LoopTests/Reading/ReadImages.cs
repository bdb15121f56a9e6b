using Btrfs.Fidelity;
using Btrfs.Fidelity.Kernel;

namespace Btrfs.LoopTests.Reading;

/// <summary>Image files with <see cref="RichContent"/> in them, and what the kernel showed of it while they were mounted.</summary>
internal sealed class ReadImages : IDisposable
{
    private readonly TestDirectory _work = new();

    public ReadImages(string mkfs, int devices = 1, string mountOptions = "noatime", Action<int>? prepare = null)
    {
        try
        {
            Images = [.. Enumerable.Range(1, devices).Select(i => Path.Combine(_work.Path, $"disk{i}.img"))];
            foreach (string image in Images)
            {
                using FileStream file = File.Create(image);
                file.SetLength(256L << 20);
            }

            Tool.Run("mkfs.btrfs", ["-q", "-f", .. mkfs.Split(' ', StringSplitOptions.RemoveEmptyEntries), .. Images]);
            using (BtrfsMount mount = Mount(mountOptions))
            {
                prepare?.Invoke(mount.Root);
                RichContent.Make(mount.Root);
            }

            // Mounted anew: not all that the kernel has in memory of an inode is on the disk (a rename of a subvolume leaves its ctime behind).
            using BtrfsMount again = Mount();
            Found = HostTree.Walk(again.Root);
        }
        catch
        {
            _work.Dispose();
            throw;
        }
    }

    public IReadOnlyList<string> Images { get; } = [];

    /// <summary>All paths, as the kernel showed them.</summary>
    public List<(string Path, SeenInode Inode)> Found { get; } = [];

    /// <summary>The same, a line for each.</summary>
    public List<string> Seen => [.. Found.Select(entry => $"{entry.Path} {entry.Inode}")];

    public string Directory => _work.Path;

    /// <summary>Mounts the images again.</summary>
    public BtrfsMount Mount(string options = "noatime", bool visible = false)
    {
        string mountPoint = Path.Combine(_work.Path, "mnt");
        System.IO.Directory.CreateDirectory(mountPoint);
        return BtrfsMount.Open(Images, mountPoint, options, visible: visible);
    }

    public void Dispose() => _work.Dispose();
}
