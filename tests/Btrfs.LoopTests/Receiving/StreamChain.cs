using System.Text;
using Btrfs.Fidelity;
using Btrfs.Fidelity.Generator;
using Btrfs.Fidelity.Kernel;

namespace Btrfs.LoopTests.Receiving;

/// <summary>Streams of the kernel that follow one another: each snapshot of a random state once, as the difference to one before where there is one.</summary>
internal sealed class StreamChain
{
    private StreamChain(List<(string Name, string File, string What)> streams) => Streams = streams;

    public List<(string Name, string File, string What)> Streams { get; }

    public static StreamChain Make(RandomState state, ulong seed, string directory)
    {
        SeededRandom random = new(seed ^ 0x2ECE17E);
        List<(string Name, string File, string What)> streams = [];
        List<Snapshot> sent = [];
        foreach (Snapshot snapshot in state.Snapshots)
        {
            (int protocol, bool compressed) = random.Pick<(int, bool)>([(1, false), (2, false), (2, true)]);
            List<Snapshot> related = sent.FindAll(other => other.Lineage == snapshot.Lineage);
            Snapshot? parent = related.Count > 0 && random.Percent(85) ? random.Percent(75) ? related[^1] : random.Pick(related) : null;
            List<string> sources = [.. sent.Where(_ => random.Percent(50)).Select(other => other.Path)];
            if (parent is not null && !sources.Contains(parent.Path))
                sources.Add(parent.Path);
            SendRequest request = new()
            {
                Subvolume = snapshot.Path,
                Parent = parent?.Path,
                CloneSources = [.. sources],
                Protocol = protocol,
                CompressedData = compressed,
            };
            string file = Path.Combine(directory, $"{streams.Count}.stream");
            if (Send(state, request, file) != 0)
            {
                File.Delete(file);
                continue;
            }

            streams.Add((Path.GetFileName(snapshot.Path), file, request.ToString()));
            sent.Add(snapshot);
        }

        return new StreamChain(streams);
    }

    private static int Send(RandomState state, SendRequest request, string file)
    {
        using Descriptor output = new(KernelException.Check(
            Syscall.Open(Syscall.AtCurrentDirectory, Encoding.UTF8.GetBytes(file), Syscall.OpenReadWrite | Syscall.OpenCreate, 0x1A4), $"create {file}"));
        return KernelSend.Send(state.TopLevel, request, output.Value);
    }
}
