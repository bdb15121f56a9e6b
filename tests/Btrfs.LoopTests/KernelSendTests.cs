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

        // The program adds the parent to the clone sources, and alone with -c it looks for a parent among them.
        AssertEqual([At(last)], new SendRequest { Subvolume = last });
        AssertEqual(["--proto", "2", At(last)], new SendRequest { Subvolume = last, Protocol = 2 });
        AssertEqual(["--proto", "2", "--compressed-data", At(last)], new SendRequest { Subvolume = last, Protocol = 2, CompressedData = true });
        AssertEqual(["--no-data", At(last)], new SendRequest { Subvolume = last, NoData = true });
        AssertEqual(["-p", At(parent), At(last)], new SendRequest { Subvolume = last, Parent = parent, CloneSources = [parent] });
        AssertEqual(
            ["-p", At(parent), "-c", At(snapshots[1]), At(last)],
            new SendRequest { Subvolume = last, Parent = parent, CloneSources = [snapshots[1], parent] });

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
}
