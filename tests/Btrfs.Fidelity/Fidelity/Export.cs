using System.Text.Json;
using Btrfs.Fidelity.Generator;

namespace Btrfs.Fidelity;

/// <summary>A state and the kernel's streams as files, with a manifest: to debug against, or to keep as a golden corpus.</summary>
internal sealed class Export
{
    private const string ManifestName = "manifest.json";

    private static readonly JsonSerializerOptions s_json = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    public required ulong Seed { get; init; }

    public required string Options { get; init; }

    public required string[] Devices { get; init; }

    public required string[] Snapshots { get; init; }

    public required ExportedStream[] Streams { get; init; }

    /// <summary>One stream; the file name counts from the directory of the manifest.</summary>
    internal sealed record ExportedStream(string File, int Errno, long LengthBytes, SendRequest Request);

    /// <summary>Makes the state of a seed and writes images, streams, operation log and manifest into a directory.</summary>
    public static Export Write(ulong seed, string directory)
    {
        using TestDirectory work = new();
        string streams = Path.Combine(directory, "streams");
        Directory.CreateDirectory(streams);
        using RandomState state = RandomState.Create(seed, work.Path);
        List<Recording> recordings = Recording.Collect(state.TopLevel, RequestPlan.Make(seed, state.Snapshots), streams);
        state.Unmount();
        return Write(directory, state, recordings);
    }

    /// <summary>Writes a state whose streams are recorded and whose images are unmounted.</summary>
    public static Export Write(string directory, RandomState state, IEnumerable<Recording> recordings)
    {
        Directory.CreateDirectory(directory);
        List<string> devices = [];
        foreach (string image in state.Images)
        {
            devices.Add($"device-{devices.Count}.img");
            Kernel.SparseFile.Copy(image, Path.Combine(directory, devices[^1]));
        }

        Export export = new()
        {
            Seed = state.Seed,
            Options = state.Options.ToString(),
            Devices = [.. devices],
            Snapshots = [.. state.Snapshots.Select(snapshot => snapshot.Path)],
            Streams = [.. recordings.Select(recording => new ExportedStream(StreamPath(directory, recording.File), recording.Errno, recording.LengthBytes, recording.Request))],
        };
        export.Save(directory);
        File.WriteAllText(Path.Combine(directory, "operations.log"), state.Log);
        return export;
    }

    /// <summary>Reads a manifest back.</summary>
    public static Export Load(string directory)
    {
        string path = Path.Combine(directory, ManifestName);
        return JsonSerializer.Deserialize<Export>(File.ReadAllText(path), s_json) ?? throw new InvalidDataException($"{path} is empty");
    }

    /// <summary>Writes the manifest.</summary>
    public void Save(string directory) =>
        File.WriteAllText(Path.Combine(directory, ManifestName), JsonSerializer.Serialize(this, s_json) + "\n");

    /// <summary>Reads a manifest back: the images and the kernel's streams, ready for <see cref="Judge"/>.</summary>
    public static (List<string> Images, List<Recording> Recordings) Read(string directory)
    {
        Export export = Load(directory);
        return (
            [.. export.Devices.Select(device => Path.Combine(directory, device))],
            [.. export.Streams.Select(stream => new Recording(stream.Request, Path.Combine(directory, stream.File), stream.Errno, stream.LengthBytes))]);
    }

    // Streams recorded elsewhere are copied in.
    private static string StreamPath(string directory, string file)
    {
        string relative = Path.Combine("streams", Path.GetFileName(file));
        string target = Path.Combine(directory, relative);
        Directory.CreateDirectory(Path.Combine(directory, "streams"));
        if (Path.GetFullPath(target) != Path.GetFullPath(file))
            File.Copy(file, target, overwrite: true);
        return relative;
    }
}
