using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Space.Making;

/// <summary>The trees that tell of devices and chunks.</summary>
internal sealed class DeviceTrees(MakePlan plan)
{
    public void FillChunkTree(TreeDraft draft)
    {
        foreach (PlannedDevice device in plan.Devices)
        {
            draft.Add(
                new Key(ObjectIds.DevItems, ItemType.DevItem, device.Id), device.ToItem(plan.Uuids.Fsid, plan.Settings.SectorSize));
        }

        foreach (PlannedChunk chunk in plan.Chunks)
            draft.Add(chunk.Key, chunk.ToItem(plan.Settings.SectorSize));
    }

    public void FillDevTree(TreeDraft draft)
    {
        foreach (PlannedChunk chunk in plan.Chunks)
        {
            foreach (ChunkStripe stripe in chunk.Stripes)
            {
                draft.Add(new Key(stripe.DeviceId, ItemType.DevExtent, stripe.Offset), new DevExtent
                {
                    ChunkTree = ObjectIds.ChunkTree,
                    ChunkObjectId = ObjectIds.FirstChunkTree,
                    ChunkOffset = chunk.Start.Value,
                    Length = chunk.StripeBytes,
                    ChunkTreeUuid = plan.Uuids.ChunkTree,
                });
            }
        }
    }
}
