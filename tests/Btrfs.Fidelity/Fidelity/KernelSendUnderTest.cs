using Btrfs.Fidelity.Kernel;

namespace Btrfs.Fidelity;

/// <summary>The kernel judged by itself: it mounts the images anew, read-only, and must send the same bytes again.</summary>
internal sealed class KernelSendUnderTest : ISendUnderTest
{
    private readonly TestDirectory _directory = new();
    private BtrfsMount? _mount;

    public void Open(IReadOnlyList<string> devicePaths) => _mount = BtrfsMount.Open(devicePaths, _directory.Path, readOnly: true);

    public void Send(SendRequest request, System.IO.Stream output)
    {
        string path = System.IO.Path.Combine(_directory.Path, "stream");
        using (Descriptor file = new(KernelException.Check(
            Syscall.Open(path, Syscall.OpenWriteOnly | Syscall.OpenCreate | Syscall.OpenTruncate, 0x1A4), $"create {path}")))
        {
            KernelException.Check(KernelSend.Send(_mount!.Root, request, file.Value), $"send {request}");
        }

        using FileStream stream = File.OpenRead(path);
        stream.CopyTo(output);
    }

    public void Dispose()
    {
        _mount?.Dispose();
        _directory.Dispose();
    }
}
