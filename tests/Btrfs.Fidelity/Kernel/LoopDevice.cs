using System.Buffers.Binary;

namespace Btrfs.Fidelity.Kernel;

/// <summary>
/// An image file seen as a block device. The device clears itself on its last close (LO_FLAGS_AUTOCLEAR), so that nothing
/// stays behind even if this process is killed.
/// </summary>
internal sealed unsafe class LoopDevice : IDisposable
{
    private const ulong Configure = 0x4C0A;
    private const ulong GetFree = 0x4C82;
    private const uint ReadOnlyFlag = 1;
    private const uint AutoClearFlag = 4;

    // struct loop_config: fd, block_size, then loop_info64 whose lo_flags stand 52 bytes in; 304 bytes with its reserved tail.
    private const int ConfigSize = 304;
    private const int FlagsOffset = 8 + 52;

    private readonly Descriptor _descriptor;

    private LoopDevice(string path, Descriptor descriptor)
    {
        Path = path;
        _descriptor = descriptor;
    }

    /// <summary>The device node, /dev/loopN.</summary>
    public string Path { get; }

    public static LoopDevice Attach(string imagePath, bool readOnly)
    {
        int access = readOnly ? Syscall.OpenReadOnly : Syscall.OpenReadWrite;
        using Descriptor image = new(KernelException.Check(Syscall.Open(imagePath, access), $"open {imagePath}"));
        using Descriptor control = new(KernelException.Check(Syscall.Open("/dev/loop-control", Syscall.OpenReadWrite), "open /dev/loop-control"));

        // Between asking for a free device and configuring it another process may take it: then ask again.
        for (int attempt = 0; ; attempt++)
        {
            int number = KernelException.Check(Syscall.Ioctl(control.Value, GetFree, null), "find a free loop device");
            string path = $"/dev/loop{number}";
            Descriptor device = new(KernelException.Check(Syscall.Open(path, access), $"open {path}"));
            int result = SetUp(device.Value, image.Value, readOnly);
            if (result >= 0)
                return new LoopDevice(path, device);
            device.Dispose();
            if (result != -Errno.Busy || attempt == 100)
                throw new KernelException($"configure {path}", -result);
            Thread.Sleep(1);
        }
    }

    /// <summary>True if nobody but us holds the device: the file system on it is unmounted.</summary>
    public bool IsReleased()
    {
        int descriptor = Syscall.Open(Path, Syscall.OpenReadOnly | Syscall.OpenExclusive);
        if (descriptor < 0)
            return false;
        _ = Libc.Close(descriptor);
        return true;
    }

    public void Dispose() => _descriptor.Dispose();

    private static int SetUp(int device, int image, bool readOnly)
    {
        Span<byte> config = stackalloc byte[ConfigSize];
        config.Clear();
        BinaryPrimitives.WriteInt32LittleEndian(config, image);
        BinaryPrimitives.WriteUInt32LittleEndian(config[FlagsOffset..], AutoClearFlag | (readOnly ? ReadOnlyFlag : 0));
        fixed (byte* argument = config)
            return Syscall.Ioctl(device, Configure, argument);
    }
}
