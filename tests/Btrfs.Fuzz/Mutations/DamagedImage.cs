using System.Text.Json;
using Btrfs.Fuzz.Images;

namespace Btrfs.Fuzz.Mutations;

/// <summary>One case: an image of the corpora, and bytes that lie over it.</summary>
internal sealed record DamagedImage(string Image, string Note, IReadOnlyList<Patch> Patches)
{
    private static readonly JsonSerializerOptions s_options = new() { WriteIndented = true };

    public static DamagedImage Load(string path)
    {
        Document document = JsonSerializer.Deserialize<Document>(File.ReadAllText(path))
            ?? throw new InvalidDataException($"{path} is empty");
        return new DamagedImage(
            document.Image, document.Note, [.. document.Patches.Select(patch => new Patch(patch.Offset, Convert.FromHexString(patch.Bytes)))]);
    }

    public void Save(string path)
    {
        Document document = new(Image, Note, [.. Patches.Select(patch => new PatchText(patch.Offset, Convert.ToHexStringLower(patch.Bytes)))]);
        File.WriteAllText(path, JsonSerializer.Serialize(document, s_options) + "\n");
    }

    private sealed record Document(string Image, string Note, PatchText[] Patches);

    private sealed record PatchText(long Offset, string Bytes);
}
