using System.IO.Compression;

namespace Btrfs.Fidelity;

/// <summary>
/// An exported state made small enough to commit: brotli takes the empty parts of an image for nearly nothing, and of the streams
/// only one of each kind is kept. With it a machine without a kernel btrfs checks fidelity too.
/// </summary>
internal static class Golden
{
    private const long LongestKeptStream = 400_000;
    private const int HoleBytes = 64 << 10;
    private const string Packed = ".br";

    /// <summary>Packs what <see cref="Export"/> wrote to <paramref name="source"/> into <paramref name="target"/>.</summary>
    public static void Pack(string source, string target)
    {
        Export export = Export.Load(source);
        Export kept = new()
        {
            Seed = export.Seed,
            Options = export.Options,
            Devices = export.Devices,
            Snapshots = export.Snapshots,
            Streams = [.. OneOfEachKind(export.Streams)],
        };
        Directory.CreateDirectory(Path.Combine(target, "streams"));
        foreach (string file in kept.Devices.Concat(kept.Streams.Select(stream => stream.File)))
        {
            using FileStream input = File.OpenRead(Path.Combine(source, file));
            using FileStream output = File.Create(Path.Combine(target, file + Packed));
            using BrotliStream brotli = new(output, new BrotliCompressionOptions { Quality = 9 });
            input.CopyTo(brotli);
        }

        kept.Save(target);
    }

    /// <summary>Unpacks a golden state into <paramref name="work"/>, ready for <see cref="Judge"/>.</summary>
    public static (List<string> Images, List<Recording> Recordings) Open(string golden, string work)
    {
        Export export = Export.Load(golden);
        Directory.CreateDirectory(Path.Combine(work, "streams"));
        foreach (string file in export.Devices.Concat(export.Streams.Select(stream => stream.File)))
            Unpack(Path.Combine(golden, file + Packed), Path.Combine(work, file));
        export.Save(work);
        return Export.Read(work);
    }

    private static void Unpack(string packed, string file)
    {
        using FileStream input = File.OpenRead(packed);
        using BrotliStream brotli = new(input, CompressionMode.Decompress);
        using FileStream output = File.Create(file);
        byte[] buffer = new byte[HoleBytes];
        int read;
        while ((read = brotli.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false)) > 0)
        {
            // Zeros stay a hole: the images are hundreds of megabytes of them.
            if (buffer.AsSpan(0, read).ContainsAnyExcept((byte)0))
                output.Write(buffer, 0, read);
            else
                output.Seek(read, SeekOrigin.Current);
        }

        output.SetLength(output.Position);
    }

    private static IEnumerable<Export.ExportedStream> OneOfEachKind(IEnumerable<Export.ExportedStream> streams) =>
        streams
            .Where(stream => stream.Errno == 0 && stream.LengthBytes <= LongestKeptStream)
            .GroupBy(stream => (
                HasParent: stream.Request.Parent is not null,
                HasClones: stream.Request.CloneSources.Length > 0,
                stream.Request.Protocol,
                stream.Request.CompressedData,
                stream.Request.NoData))
            .Select(kind => kind.MaxBy(stream => stream.LengthBytes)!);
}
