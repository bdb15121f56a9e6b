using System.Text;
using Btrfs.Engine;
using Btrfs.Fidelity;
using Btrfs.Fidelity.Kernel;
using Btrfs.LoopTests.Check;
using Btrfs.Sequences.Actors;
using Btrfs.Sequences.Reading;
using Btrfs.Sequences.Running;
using SendRequest = Btrfs.Fidelity.SendRequest;

namespace Btrfs.LoopTests.Receiving;

/// <summary>A file system in one image that streams are received onto, by the kernel and btrfs-progs or by the engine; either may change it and send from it.</summary>
internal sealed class Correspondent
{
    private readonly string _directory;
    private readonly string _image;
    private readonly PairOptions _options;
    private readonly bool _hasKernel;

    public Correspondent(string name, bool hasKernel, PairOptions options, string directory)
    {
        Name = name;
        _hasKernel = hasKernel;
        _options = options;
        _directory = directory;
        _image = Path.Combine(directory, $"{name}.img");
        using (FileStream file = File.Create(_image))
            file.SetLength(options.DeviceSizeBytes);
        Tool.Run("mkfs.btrfs", ["-q", "-f", "-K", .. options.MkfsArguments, _image]);
    }

    public string Name { get; }

    private string MountPoint => Path.Combine(_directory, "mount");

    public IActor Open(bool byKernel) => byKernel ? new KernelActor([_image], MountPoint, _options) : new EngineActor([_image], _options);

    public void Receive(string stream)
    {
        if (_hasKernel)
        {
            using BtrfsMount mount = BtrfsMount.Open([_image], Directory.CreateDirectory(MountPoint).FullName, _options.MountOptions, visible: true);
            Tool.Run("btrfs", "receive", "-q", "-f", stream, MountPoint);
            return;
        }

        using BtrfsFileSystem fs = BtrfsFileSystem.Open([_image], new BtrfsOpenOptions { Writable = true });
        using FileStream input = File.OpenRead(stream);
        fs.Receive(input, "");
    }

    /// <summary>Sends by the kernel and by the engine.</summary>
    /// <returns>The files with what they sent.</returns>
    public (string Kernel, string Engine) Send(SendRequest request, string stream)
    {
        (string kernel, string engine) = ($"{stream}.kernel", $"{stream}.engine");
        using (BtrfsMount mount = BtrfsMount.Open([_image], Directory.CreateDirectory(MountPoint).FullName, readOnly: true))
        using (Descriptor output = new(KernelException.Check(
            Syscall.Open(Syscall.AtCurrentDirectory, Encoding.UTF8.GetBytes(kernel), Syscall.OpenReadWrite | Syscall.OpenCreate, 0x1A4), $"create {kernel}")))
        {
            KernelException.Check(KernelSend.Send(mount.Root, request, output.Value), $"send {request}");
        }

        using (EngineSendUnderTest sender = new())
        using (FileStream output = File.Create(engine))
        {
            sender.Open([_image]);
            sender.Send(request, output);
        }

        return (kernel, engine);
    }

    /// <summary>All that the kernel shows of it.</summary>
    public TreeText Read()
    {
        using BtrfsMount mount = BtrfsMount.Open([_image], Directory.CreateDirectory(MountPoint).FullName, readOnly: true);
        return KernelReader.Read(mount.Root, hidesNoCompress: true, hasExtents: false, sortsNames: true);
    }

    /// <summary>What either check finds; null for nothing.</summary>
    public string? Fault() => BtrfsCheck.Theirs([_image]) ?? (BtrfsCheck.Ours([_image]) is { IsClean: false } report ? string.Join('\n', report.Findings) : null);
}
