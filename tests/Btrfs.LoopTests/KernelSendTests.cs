using Btrfs.Fidelity;
using Btrfs.Fidelity.Generator;
using Btrfs.Fidelity.Kernel;

namespace Btrfs.LoopTests;

/// <summary>The ioctl is called here without the btrfs program: it must give what that program gives.</summary>
[TestFixture]
internal sealed class KernelSendTests
{
    [Test]
    public void The_ioctl_gives_exactly_the_bytes_of_the_btrfs_program()
    {
        const ulong Seed = 10;
        using TestDirectory work = new();
        using TestDirectory mountPoint = new();
        using RandomState state = RandomState.Create(Seed, work.Path);
        state.Unmount();
        using BtrfsMount mount = BtrfsMount.Open(state.Images, mountPoint.Path, visible: true);
        string[] snapshots = [.. state.Snapshots.Select(snapshot => snapshot.Path)];
        (string parent, string last) = (snapshots[0], snapshots[^1]);
        string At(string path) => Path.Combine(mountPoint.Path, path);

        // The program adds the parent to the clone sources; with -c alone it makes a snapshot of the same subvolume the parent.
        AssertEqual([At(last)], new SendRequest { Subvolume = last });
        AssertEqual(["--proto", "2", At(last)], new SendRequest { Subvolume = last, Protocol = 2 });
        AssertEqual(["--proto", "2", "--compressed-data", At(last)], new SendRequest { Subvolume = last, Protocol = 2, CompressedData = true });
        AssertEqual(["--no-data", At(last)], new SendRequest { Subvolume = last, NoData = true });
        AssertEqual(["-p", At(parent), At(last)], new SendRequest { Subvolume = last, Parent = parent, CloneSources = [parent] });
        AssertEqual(
            ["-p", At(parent), "-c", At(snapshots[1]), At(last)],
            new SendRequest { Subvolume = last, Parent = parent, CloneSources = [snapshots[1], parent] });

        MakeTwoSnapshots(mount.Root, At("plain"));
        AssertEqual(["-c", At("plain1"), At("plain2")], new SendRequest { Subvolume = "plain2", Parent = "plain1", CloneSources = ["plain1"] });

        void AssertEqual(string[] arguments, SendRequest request)
        {
            string program = Path.Combine(work.Path, "program.stream");
            string ioctl = Path.Combine(work.Path, "ioctl.stream");
            Tool.Run("btrfs", ["send", "-q", "-f", program, .. arguments]);
            using (Descriptor output = new(KernelException.Check(
                Syscall.Open(ioctl, Syscall.OpenWriteOnly | Syscall.OpenCreate | Syscall.OpenTruncate, 0x1A4), "create a stream")))
            {
                Assert.That(KernelSend.Send(mount.Root, request, output.Value), Is.Zero);
            }

            byte[] bytes = File.ReadAllBytes(ioctl);
            Assert.That(bytes, Is.Not.Empty);
            Assert.That(bytes.AsSpan().SequenceEqual(File.ReadAllBytes(program)), Is.True, request.ToString());
        }
    }

    private static void MakeTwoSnapshots(int topLevel, string path)
    {
        KernelException.Check(BtrfsIoctl.CreateSubvolume(topLevel, "plain"u8), "create a subvolume");
        using Descriptor subvolume = new(KernelException.Check(Syscall.Open(path, Syscall.OpenReadOnly | Syscall.OpenDirectory), $"open {path}"));
        File.WriteAllText(Path.Combine(path, "one"), "first");
        KernelException.Check(BtrfsIoctl.CreateSnapshot(subvolume.Value, topLevel, "plain1"u8, readOnly: true), "create a snapshot");
        File.WriteAllText(Path.Combine(path, "two"), "second");
        KernelException.Check(BtrfsIoctl.CreateSnapshot(subvolume.Value, topLevel, "plain2"u8, readOnly: true), "create a snapshot");
    }
}
