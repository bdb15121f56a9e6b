namespace Btrfs.Fidelity.Kernel;

/// <summary>
/// A btrfs that the kernel has mounted from image files. Unless asked to be visible the mount is detached from the name space
/// at once and lives only in its descriptors: whatever becomes of this process, the kernel then unmounts and frees the devices.
/// </summary>
internal sealed class BtrfsMount : IDisposable
{
    private static readonly TimeSpan s_releaseLimit = TimeSpan.FromSeconds(20);

    private readonly List<LoopDevice> _devices = [];
    private readonly string? _visibleAt;
    private Descriptor? _root;

    private BtrfsMount(IReadOnlyList<string> images, string mountPoint, string options, bool readOnly, bool visible)
    {
        try
        {
            foreach (string image in images)
                _devices.Add(LoopDevice.Attach(image, readOnly));
            string deviceOptions = string.Concat(_devices.Skip(1).Select(device => $",device={device.Path}"));
            KernelException.Check(
                Syscall.Mount(_devices[0].Path, mountPoint, $"subvolid=5{deviceOptions}{Prefix(options)}", readOnly),
                $"mount {images[0]} with '{options}'");
            if (visible)
                _visibleAt = mountPoint;
            int root = Syscall.Open(mountPoint, Syscall.OpenReadOnly | Syscall.OpenDirectory);
            if (!visible || root < 0)
                Syscall.Unmount(mountPoint, detach: true);
            _root = new Descriptor(KernelException.Check(root, $"open {mountPoint}"));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The top-level directory (subvolume 5), open.</summary>
    public int Root => _root!.Value;

    /// <summary>A path to it, for this process.</summary>
    public string RootPath => $"/proc/self/fd/{Root}/.";

    public static BtrfsMount Open(IReadOnlyList<string> images, string mountPoint, string options = "", bool readOnly = false, bool visible = false) =>
        new(images, mountPoint, options, readOnly, visible);

    /// <summary>Unmounts, waits until the devices are free, makes the kernel forget them, detaches them.</summary>
    public void Dispose()
    {
        _root?.Dispose();
        _root = null;
        if (_visibleAt is not null)
            Syscall.Unmount(_visibleAt, detach: true);

        DateTime limit = DateTime.UtcNow + s_releaseLimit;
        foreach (LoopDevice device in _devices)
        {
            while (!device.IsReleased())
            {
                if (DateTime.UtcNow > limit)
                    throw new InvalidOperationException($"{device.Path} is still mounted after {s_releaseLimit.TotalSeconds} s: a descriptor was left open");
                Thread.Sleep(1);
            }

            BtrfsIoctl.ForgetDevice(device.Path);
            device.Dispose();
        }

        _devices.Clear();
    }

    private static string Prefix(string options) => options.Length == 0 ? "" : "," + options;
}
